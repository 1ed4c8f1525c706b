# preflightd under h2o, part 2 of 2: what preflightd.conf calls.
#
# Preflights go to preflightd.  Other requests go to the application, and
# preflightd is asked which headers the page needs to read the answer; they
# replace what the application says.  While preflightd is down, answers go
# without them.

class Preflightd
  INTERNAL = "/run/h2o-preflightd.sock"  # where preflightd.conf listens

  FIELDS = %w(access-control-allow-origin access-control-allow-credentials
              access-control-expose-headers)
  # Of the connection to the client, not for the application.
  HOPS = %w(connection content-length expect host keep-alive te trailer
            transfer-encoding upgrade)
  # Of responses, for h2o alone to say.
  OWN = %w(date server x-reproxy-url)

  # application is http://HOST:PORT or http://[unix:PATH].
  def initialize(application, internal = INTERNAL)
    @application, @internal = application, internal
  end

  def call(env)
    if preflight?(env)
      return [307, {"x-reproxy-url" => "http://preflightd.internal/"}, []]
    end
    said = http_request("http://[unix:#{@internal}]#{target(env)}",
                        :headers => question(env))
    status, headers, body = http_request(@application + target(env),
                                         :method => env["REQUEST_METHOD"],
                                         :headers => request_headers(env),
                                         :body => env["rack.input"]).join
    [status, marked(headers, *said.join), body]
  end

  def preflight?(env)
    env["REQUEST_METHOD"] == "OPTIONS" && env["HTTP_ORIGIN"].to_s != "" &&
      env["HTTP_ACCESS_CONTROL_REQUEST_METHOD"].to_s != ""
  end

  def target(env)
    query = env["QUERY_STRING"].to_s
    query = "?" + query if query != ""
    env["SCRIPT_NAME"].to_s + env["PATH_INFO"].to_s + query
  end

  def question(env)
    headers = {"x-preflightd-host" => env["HTTP_HOST"].to_s}
    headers["origin"] = env["HTTP_ORIGIN"] if env["HTTP_ORIGIN"]
    headers
  end

  def request_headers(env)
    headers = {}
    env.each do |name, value|
      next unless name.start_with?("HTTP_")
      headers[name[5..-1].downcase.gsub("_", "-")] = value
    end
    HOPS.each {|name| headers.delete(name) }
    headers["content-type"] = env["CONTENT_TYPE"] if env["CONTENT_TYPE"]
    headers["x-forwarded-host"] = env["HTTP_HOST"].to_s
    headers["x-forwarded-proto"] = env["rack.url_scheme"]
    headers["x-forwarded-for"] = [env["HTTP_X_FORWARDED_FOR"],
                                  env["REMOTE_ADDR"]].compact.join(", ")
    headers
  end

  def marked(headers, status, said, _)
    said = {"vary" => "Origin"} if status != 204
    OWN.each {|name| headers.delete(name) }
    FIELDS.each do |name|
      headers.delete(name)
      headers[name] = said[name] if said[name]
    end
    if said["vary"]
      headers["vary"] = [headers["vary"], said["vary"]].compact.join(", ")
    end
    headers
  end
end

# The host of a question stands in a header, as its connection is to a socket.
# It becomes that of a URL, which h2o passes on to preflightd.
class PreflightdQuestion
  HOST = /\A(\[[0-9a-fA-F:.]+\]|[^\[\]:\/?#@\\\s]+)(:[0-9]*)?\z/

  def call(env)
    host = HOST.match(env["HTTP_X_PREFLIGHTD_HOST"].to_s)
    return [400, {}, []] if host.nil?
    path = env["SCRIPT_NAME"].to_s + env["PATH_INFO"].to_s
    [307, {"x-reproxy-url" => "http://#{host[1]}:65001#{path}"}, []]
  end
end
