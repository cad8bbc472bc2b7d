# shellcheck shell=bash
# Bash completion for nexusctl and nexus-worker.

# What may stand behind COMMAND [SUBCOMMAND]; fails where there is no such command.
_nexusctl_words()
{
	local everywhere="--json --help"

	case $1 in
	"")
		echo "queue dlq publish job reconcile logs config provision teardown doctor" \
			"top run deploy --config --version $everywhere" ;;
	queue)         echo "$everywhere" ;;
	dlq)           echo "list show redrive purge replay $everywhere" ;;
	"dlq list")    echo "--job --type --error --limit --group $everywhere" ;;
	"dlq show")    echo "--limit $everywhere" ;;
	"dlq redrive")
		echo "--job --type --error --all --move-task --rate --limit --dry-run --yes" \
			"$everywhere" ;;
	"dlq purge")
		echo "--job --type --error --limit --save --no-save --dry-run --yes $everywhere" ;;
	"dlq replay")  echo "--allow-row-writes --user --limit $everywhere" ;;
	publish)       echo "--job --wait --timeout --message-only $everywhere" ;;
	job)           echo "show list retry wait $everywhere" ;;
	"job show")    echo "--limit $everywhere" ;;
	"job list")    echo "--status --type --since --limit $everywhere" ;;
	"job retry")   echo "--limit $everywhere" ;;
	"job wait")    echo "--timeout $everywhere" ;;
	reconcile)     echo "--apply --resend --dry-run --pending --limit $everywhere" ;;
	logs)          echo "-f --follow --since --type --outcome --unit --dry-run $everywhere" ;;
	config)        echo "$everywhere" ;;
	provision)     echo "--env --fix --dry-run $everywhere" ;;
	teardown)      echo "--force --table --yes --dry-run $everywhere" ;;
	doctor)        echo "$everywhere" ;;
	top)           echo "--interval --once $everywhere" ;;
	run)           echo "--attempt --job --allow-row-writes --user $everywhere" ;;
	deploy)        echo "--rollback --dry-run --user $everywhere" ;;
	*)             return 1 ;;
	esac
}

_nexusctl_takes_value()
{
	case $1 in
	--attempt|--config|--env|--error|--interval|--job|--limit|--outcome|--pending) ;;
	--rate|--save|--since|--status|--timeout|--type|--unit|--user) ;;
	*) return 1 ;;
	esac
}

_nexusctl_reply()
{
	mapfile -t COMPREPLY < <(compgen "$@")
}

_nexusctl_value()
{
	case $1 in
	--config|--save)
		compopt -o filenames 2>/dev/null
		_nexusctl_reply -f -- "$2" ;;
	--outcome)
		_nexusctl_reply -W "completed failed timeout missing rejected duplicate elsewhere lost
			abandoned" -- "$2" ;;
	--status)
		_nexusctl_reply -W "pending processing completed failed" -- "$2" ;;
	--user)
		_nexusctl_reply -u -- "$2" ;;
	esac
}

_nexusctl()
{
	local word=${COMP_WORDS[COMP_CWORD]} command="" next i

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		if _nexusctl_takes_value "${COMP_WORDS[i]}"; then
			((++i < COMP_CWORD)) && continue
			_nexusctl_value "${COMP_WORDS[i - 1]}" "$word"
			return
		fi
		next=$command${command:+ }${COMP_WORDS[i]}
		_nexusctl_words "$next" >/dev/null && command=$next
	done
	case $command:$word in
	run:@*|publish:@*)
		_nexusctl_reply -P @ -f -- "${word#@}" ;;
	deploy:[!-]*)
		compopt -o filenames 2>/dev/null
		_nexusctl_reply -f -- "$word" ;;
	*)
		_nexusctl_reply -W "$(_nexusctl_words "$command")" -- "$word" ;;
	esac
}

_nexus_worker()
{
	local word=${COMP_WORDS[COMP_CWORD]}

	case ${COMP_WORDS[COMP_CWORD - 1]} in
	--config)
		_nexusctl_value --config "$word" ;;
	--log-level)
		_nexusctl_reply -W "error warning notice info debug" -- "$word" ;;
	*)
		_nexusctl_reply -W "--config --check-config --print-config --until-empty --log-level
			--version --help" -- "$word" ;;
	esac
}

complete -F _nexusctl nexusctl
complete -F _nexus_worker nexus-worker
