# What `make shell` starts in: the user's own settings, then the environment again, because those
# may have put something else first on the PATH.
if [ -f ~/.bashrc ]; then . ~/.bashrc; fi
unset JTN_WORKSPACE
. "$(dirname "${BASH_SOURCE[0]}")/activate.bash"
eval "$(register-python-argcomplete jtn)"
PS1="(jtn_ros) $PS1"
