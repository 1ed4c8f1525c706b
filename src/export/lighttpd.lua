-- lighttpd.lua - the parts of the script for mod_magnet that no policy
-- changes, in Lua 5.1 and later.  A line of three dashes begins one: "static"
-- finds the policy by the tables `policies` and `hosts` and by `names_hosts`,
-- "asked" has it from preflightd, and "fields" sets what either has found.

--- asked
-- What preflightd has said of the request.
local function answer(r)
	local said = r.req_env
	return {
		origin = said["Access-Control-Allow-Origin"],
		credentials = said["Access-Control-Allow-Credentials"],
		exposed = said["Access-Control-Expose-Headers"],
		vary = said["Vary"] or not said["Access-Control-Allow-Origin"],
	}
end

--- static
local default_ports = {http = 80, https = 443, ftp = 21}

-- The labels of a name, or nil where one is empty, too long or has a '-' at
-- an end.
local function labels(name)
	if #name > 253 or ("." .. name .. "."):find("%.%-") or
	    (name .. "."):find("%-%.") then
		return nil
	end
	local found = {}
	for text in (name .. "."):gmatch("([^.]*)%.") do
		if #text > 63 or not text:find("^[a-z0-9_-]+$") then
			return nil
		end
		found[#found + 1] = text
	end
	return found
end

local function is_below(name, domain)
	return #name > #domain + 1 and name:sub(-#domain - 1) == "." .. domain
end

local function is_address(text)
	local head, tail = text:match("^(.*)::(.*)$")
	local n = 0
	for _, part in ipairs({head or text, tail or ""}) do
		part = part == "" and "" or part .. ":"
		for group in part:gmatch("([^:]*):") do
			if not group:find("^%x%x?%x?%x?$") then return false end
			n = n + 1
		end
	end
	return tail and n < 8 or not tail and n == 8
end

-- The host as policies have it, nil where it is none.
local function normalize_host(host)
	host = host:lower():gsub(":%d?%d?%d?%d?%d?$", "")
	local address = host:match("^%[(.*)%]$")
	if address then return is_address(address) and host or nil end
	host = host:gsub("%.$", "")
	return labels(host) and host or nil
end

-- Where policies differ by path, one that servers can read in many ways
-- gets none: with control or 8-bit bytes, a raw '#', an invalid escape, what a
-- second decoding would change, or dot segments in any spelling.
local separators = {["2e"] = ".", ["2E"] = ".", ["2f"] = "/", ["2F"] = "/",
    ["3b"] = ";", ["3B"] = ";", ["5c"] = "/", ["5C"] = "/"}

local function is_odd(path)
	if not path:find("^/") or path:find("[^!-~]") or
	    path:find("#", 1, true) then
		return true
	end
	if path:find("%", 1, true) then
		if (path .. "?"):find("%%%x?%X") or path:find("%%[01]") or
		    path:find("%%7[fF]") then
			return true
		end
		-- An escaped '%' and two digits, which may be escapes too.
		if path:find("%25", 1, true) and path:gsub("%%3(%d)", "%1")
		    :gsub("%%[46][1-6]", "a"):find("%%25%x%x") then
			return true
		end
		path = path:gsub("%%(%x%x)", separators)
	end
	return (path .. "/"):find("[/\\]%.%.?[/\\;]") ~= nil
end

local function is_ambiguous(path, at)
	return path:find("^[;\\]", at) or path:find("^%%3[bB]", at) or
	    path:find("^%%5[cC]", at) or path:find("^%%2[fF]", at)
end

-- Where the bytes of text, plain or escaped, end that begin there; or nil.
local function skip(path, at, text)
	for i = 1, #text do
		local byte = path:byte(at)
		if byte == 37 then
			byte = tonumber(path:sub(at + 1, at + 2), 16)
			at = at + 2
		end
		if byte ~= text:byte(i) then return nil end
		at = at + 1
	end
	return at
end

-- "under" for a path below the prefix, "ambiguous" for one that some
-- would take for one, else nil.
local function follow(path, prefix)
	local at = 1
	for _, text in ipairs(prefix) do
		if is_ambiguous(path, at) then return "ambiguous" end
		if path:sub(at, at) ~= "/" then return nil end
		at = at + 1
		if path:sub(at, at) == "/" or is_ambiguous(path, at) then
			return "ambiguous"
		end
		at = skip(path, at, text)
		if not at then return nil end
	end
	if #prefix > 0 and is_ambiguous(path, at) then return "ambiguous" end
	return path:find("^/", at) and "under" or
	    at > #path and "under" or nil
end

local function route(paths, path)
	for _, entry in ipairs(paths) do
		local how = follow(path, entry[1])
		if how then return how, entry[2] end
	end
end

local function choose(host, target)
	if names_hosts then
		host = normalize_host(host or "")
		if not host then return nil end
	elseif (host or ""):find("[^!-~]") then
		return nil
	end
	local path = target:gsub("^%a+://[^/?#\\]*", ""):match("^[^?]*")
	local odd
	for _, rule in ipairs(hosts) do
		local name, below = rule[1], rule[2]
		if name == "" or below and is_below(host, name) or
		    not below and host == name then
			if rule[3] then return policies[rule[3]] end
			if odd == nil then odd = is_odd(path) end
			if odd then return nil end
			local how, policy = route(rule[4], path)
			if how then return how == "under" and policies[policy] or nil end
		end
	end
end

local function is_port(pattern, port, scheme)
	if pattern ~= "*" then return port == pattern end
	if port == "" then return true end
	local number = port:find("^[1-9]%d?%d?%d?%d?$") and tonumber(port)
	return number and number <= 65535 and
	    number ~= default_ports[scheme]
end

local function matches(pattern, scheme, host, port)
	if pattern[1] ~= scheme or not is_port(pattern[4], port, scheme) then
		return false
	end
	if not pattern[3] then return host == pattern[2] end
	return is_below(host, pattern[2]) and labels((host:gsub("%.$", "")))
end

local function is_allowed(policy, origin)
	if policy.exact[origin] then return true end
	local scheme, rest = origin:match("^([a-z][a-z0-9+.-]*)://(.*)$")
	if not scheme then return false end
	local host = rest:match("^%[[0-9a-f:]+%]") or
	    rest:match("^[a-z0-9._-]+")
	if not host then return false end
	rest = rest:sub(#host + 1)
	if rest ~= "" and not rest:find("^:.") then return false end
	for _, pattern in ipairs(policy.patterns) do
		if matches(pattern, scheme, host, rest:sub(2)) then return true end
	end
	return false
end

local function answer(r)
	local origin = r.req_header["Origin"] or ""
	local policy = choose(r.req_attr["uri.authority"],
	    r.req_attr["request.orig-uri"] or "")
	if not policy then return {vary = true} end
	local out = {vary = not policy.any, origin = policy.any and "*"}
	if not policy.any then
		if origin == "" or origin:find("[^ -+.-~-]") or
		    not is_allowed(policy, origin) then
			return out
		end
		out.origin = origin
	end
	out.credentials, out.exposed = policy.credentials, policy.exposed
	return out
end

--- fields
local r = lighty.r
local asked = r.req_header["Access-Control-Request-Method"] or ""
if r.req_attr["request.method"] == "OPTIONS" and asked ~= "" and
    (r.req_header["Origin"] or "") ~= "" then
	return 0    -- a preflight: preflightd has answered it
end

-- What applications say about it is replaced.
local fields, said = r.resp_header, answer(r)
fields["Access-Control-Allow-Origin"] = said.origin
fields["Access-Control-Allow-Credentials"] = said.credentials
fields["Access-Control-Expose-Headers"] = said.exposed
local vary = fields["Vary"]
if said.vary then
	fields["Vary"] = vary and vary ~= "" and vary .. ", Origin" or "Origin"
end
return 0
