"""Apache httpd with mod_fcgid, which starts preflightd itself: the
lines of etc/apache for it stand before what is exported.
"""

import os
import shutil

import export_servers
import harness

MODULE = "/usr/lib/apache2/modules/mod_fcgid.so"
COMMAND = "/usr/bin/preflightd serve -p /etc/preflightd/policy.ini"


def missing():
    """What of it is not installed."""
    return harness.find("apache2") + [MODULE] * (not os.path.exists(MODULE))


def lines_for_it():
    with open(os.path.join(harness.TOP, "etc", "apache", "fcgid.conf"),
              encoding="utf-8") as f:
        return f.read()


def own_command(stage):
    """The command with a copy of the program: the user that a server runs as
    may have no way to the build folder."""
    program = shutil.copy(harness.PREFLIGHTD, stage.path("own-preflightd"))
    return f"{program} serve -p {stage.path('policy.ini')}"


class Fcgid(export_servers.Apache):
    """A policy of the name policy.ini must be in the stage."""
    modules = (*export_servers.Apache.modules, "fcgid")

    def run(self, stage, vhosts):
        lines = lines_for_it()
        assert COMMAND in lines
        os.makedirs(stage.path("fcgid"), exist_ok=True)
        if export_servers.IS_ROOT:
            shutil.chown(stage.path("fcgid"), "www-data")
        stage.write("fcgid.conf", lines.replace(COMMAND,
                                                  own_command(stage)))
        super().run(stage, f"""
FcgidIPCDir {stage.path("fcgid")}
FcgidProcessTableFile {stage.path("fcgid/table")}
""" + vhosts.replace("\tInclude ", f"\tInclude {stage.path('fcgid.conf')}\n"
                     "\tInclude "))
