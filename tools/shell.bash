# The startup file of `make shell`: the settings of the user, then the environment again, because
# these settings may have changed the PATH.
if [ -f ~/.bashrc ]; then . ~/.bashrc; fi
unset JTN_WORKSPACE
. "$(dirname "${BASH_SOURCE[0]}")/activate.bash"
eval "$(register-python-argcomplete jtn)"
PS1="(jtn_ros) $PS1"
