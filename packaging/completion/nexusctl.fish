# Fish completion for nexusctl and nexus-worker.

# Whether the words so far, without options and their values, are these and no other command's.
function __nexusctl_at
    set -l with_value --attempt --config --env --error --interval --job --limit --outcome --pending \
        --rate --save --since --status --timeout --type --unit --user
    set -l path
    set -l is_value no
    for word in (commandline -opc)[2..]
        if test $is_value = yes
            set is_value no
        else if contains -- $word $with_value
            set is_value yes
        else if not string match -q -- '-*' $word
            set -a path $word
        end
    end
    set -l depth 1
    contains -- "$path[1]" dlq job; and set depth 2
    test "$path[1..$depth]" = "$argv"
end

complete -c nexusctl -f
complete -c nexusctl -l json -d 'Print one JSON object a line'
complete -c nexusctl -l help -d 'Show how to use it'
complete -c nexusctl -n __nexusctl_at -l config -rF -d 'Read this file'
complete -c nexusctl -n __nexusctl_at -l version -d 'Show the version'

complete -c nexusctl -n __nexusctl_at -a queue -d 'How many messages wait, run and are dead'
complete -c nexusctl -n __nexusctl_at -a dlq -d 'Dead letters'
complete -c nexusctl -n __nexusctl_at -a publish -d 'Publish a job, and wait for its end'
complete -c nexusctl -n __nexusctl_at -a job -d 'One job\'s row, message and log; rows'
complete -c nexusctl -n __nexusctl_at -a reconcile -d 'Find and mend what is out of step'
complete -c nexusctl -n __nexusctl_at -a logs -d 'What the daemon logged'
complete -c nexusctl -n __nexusctl_at -a config -d 'Every setting, and where it came from'
complete -c nexusctl -n __nexusctl_at -a provision -d 'Make queues and job table'
complete -c nexusctl -n __nexusctl_at -a teardown -d 'Delete the queues, when they are empty'
complete -c nexusctl -n __nexusctl_at -a doctor -d 'Whether everything is right'
complete -c nexusctl -n __nexusctl_at -a top -d 'A live screen'
complete -c nexusctl -n __nexusctl_at -a run -d 'Run one handler here and now'
complete -c nexusctl -n __nexusctl_at -a deploy -d 'Put a new bundle in place'

complete -c nexusctl -n '__nexusctl_at dlq' -a list -d 'One line for each dead letter'
complete -c nexusctl -n '__nexusctl_at dlq' -a show -d 'All of one letter'
complete -c nexusctl -n '__nexusctl_at dlq' -a redrive -d 'Send letters back to the queue'
complete -c nexusctl -n '__nexusctl_at dlq' -a purge -d 'Delete letters for good, saved before'
complete -c nexusctl -n '__nexusctl_at dlq' -a replay -d 'Run the handler on a letter, here and now'

complete -c nexusctl -n '__nexusctl_at dlq list' -l job -x -d 'Only those of this job'
complete -c nexusctl -n '__nexusctl_at dlq list' -l type -x -d 'Only those of this type'
complete -c nexusctl -n '__nexusctl_at dlq list' -l error -x -d 'Only those whose error holds this'
complete -c nexusctl -n '__nexusctl_at dlq list' -l limit -x -d 'Look at so many at most'
complete -c nexusctl -n '__nexusctl_at dlq list' -l group -d 'By type and error alone'

complete -c nexusctl -n '__nexusctl_at dlq show' -l limit -x -d 'Look at so many at most'

complete -c nexusctl -n '__nexusctl_at dlq redrive' -l job -x -d 'Only those of this job'
complete -c nexusctl -n '__nexusctl_at dlq redrive' -l type -x -d 'Only those of this type'
complete -c nexusctl -n '__nexusctl_at dlq redrive' -l error -x -d 'Only those whose error holds this'
complete -c nexusctl -n '__nexusctl_at dlq redrive' -l all -d 'All of them'
complete -c nexusctl -n '__nexusctl_at dlq redrive' -l move-task -d 'Have SQS move them'
complete -c nexusctl -n '__nexusctl_at dlq redrive' -l rate -x -d 'At most so many in a second'
complete -c nexusctl -n '__nexusctl_at dlq redrive' -l limit -x -d 'Look at so many at most'
complete -c nexusctl -n '__nexusctl_at dlq redrive' -l dry-run -d 'Show what would be done'
complete -c nexusctl -n '__nexusctl_at dlq redrive' -l yes -d 'Do not ask'

complete -c nexusctl -n '__nexusctl_at dlq purge' -l job -x -d 'Only those of this job'
complete -c nexusctl -n '__nexusctl_at dlq purge' -l type -x -d 'Only those of this type'
complete -c nexusctl -n '__nexusctl_at dlq purge' -l error -x -d 'Only those whose error holds this'
complete -c nexusctl -n '__nexusctl_at dlq purge' -l limit -x -d 'Look at so many at most'
complete -c nexusctl -n '__nexusctl_at dlq purge' -l save -rF -d 'Where they are saved before'
complete -c nexusctl -n '__nexusctl_at dlq purge' -l no-save -d 'Do not save them'
complete -c nexusctl -n '__nexusctl_at dlq purge' -l dry-run -d 'Show what would be done'
complete -c nexusctl -n '__nexusctl_at dlq purge' -l yes -d 'Do not ask'

complete -c nexusctl -n '__nexusctl_at dlq replay' -l allow-row-writes -d 'Also where it writes its row'
complete -c nexusctl -n '__nexusctl_at dlq replay' -l user -x -a '(__fish_complete_users)' -d 'Run it as this user'
complete -c nexusctl -n '__nexusctl_at dlq replay' -l limit -x -d 'Look at so many at most'

complete -c nexusctl -n '__nexusctl_at publish' -l job -x -d 'The job\'s id'
complete -c nexusctl -n '__nexusctl_at publish' -l wait -d 'Follow it to its end'
complete -c nexusctl -n '__nexusctl_at publish' -l timeout -x -d 'For how long at most'
complete -c nexusctl -n '__nexusctl_at publish' -l message-only -d 'Without a row'

complete -c nexusctl -n '__nexusctl_at job' -a show -d 'Its row, message and log'
complete -c nexusctl -n '__nexusctl_at job' -a list -d 'Rows, the newest first'
complete -c nexusctl -n '__nexusctl_at job' -a retry -d 'Send a failed job again'
complete -c nexusctl -n '__nexusctl_at job' -a wait -d 'Follow a job to its end'

complete -c nexusctl -n '__nexusctl_at job show' -l limit -x -d 'Look at so many dead letters at most'

complete -c nexusctl -n '__nexusctl_at job list' -l status -x -d 'Only those in it' \
    -a 'pending processing completed failed'
complete -c nexusctl -n '__nexusctl_at job list' -l type -x -d 'Only those of this type'
complete -c nexusctl -n '__nexusctl_at job list' -l since -x -d 'Not what was made earlier'
complete -c nexusctl -n '__nexusctl_at job list' -l limit -x -d 'So many at most'

complete -c nexusctl -n '__nexusctl_at job retry' -l limit -x -d 'Look at so many dead letters at most'

complete -c nexusctl -n '__nexusctl_at job wait' -l timeout -x -d 'For how long at most'

complete -c nexusctl -n '__nexusctl_at reconcile' -l apply -d 'Rows that are lost become failed'
complete -c nexusctl -n '__nexusctl_at reconcile' -l resend -d 'Jobs that are stranded get a message'
complete -c nexusctl -n '__nexusctl_at reconcile' -l dry-run -d 'Change nothing'
complete -c nexusctl -n '__nexusctl_at reconcile' -l pending -x -d 'Since when a row is pending'
complete -c nexusctl -n '__nexusctl_at reconcile' -l limit -x -d 'Look at so many at most'

complete -c nexusctl -n '__nexusctl_at logs' -s f -l follow -d 'Show new lines as they come'
complete -c nexusctl -n '__nexusctl_at logs' -l since -x -d 'Not what is older'
complete -c nexusctl -n '__nexusctl_at logs' -l type -x -d 'Only jobs of this type'
complete -c nexusctl -n '__nexusctl_at logs' -l outcome -x -d 'Only jobs that ended so' \
    -a 'completed failed timeout missing rejected duplicate elsewhere lost abandoned'
complete -c nexusctl -n '__nexusctl_at logs' -l unit -x -d 'systemd\'s unit'
complete -c nexusctl -n '__nexusctl_at logs' -l dry-run -d 'Print the command line'

complete -c nexusctl -n '__nexusctl_at provision' -l env -x -d 'The queues of this environment'
complete -c nexusctl -n '__nexusctl_at provision' -l fix -d 'Set attributes that differ'
complete -c nexusctl -n '__nexusctl_at provision' -l dry-run -d 'Change nothing'

complete -c nexusctl -n '__nexusctl_at teardown' -l force -d 'Also with messages or running jobs'
complete -c nexusctl -n '__nexusctl_at teardown' -l table -d 'Drop the job table too'
complete -c nexusctl -n '__nexusctl_at teardown' -l yes -d 'Do not ask'
complete -c nexusctl -n '__nexusctl_at teardown' -l dry-run -d 'Change nothing'

complete -c nexusctl -n '__nexusctl_at top' -l interval -x -d 'How often it looks'
complete -c nexusctl -n '__nexusctl_at top' -l once -d 'Show everything once'

complete -c nexusctl -n '__nexusctl_at run' -l attempt -x -d 'The attempt that it is told'
complete -c nexusctl -n '__nexusctl_at run' -l job -x -d 'The job\'s id that it is told'
complete -c nexusctl -n '__nexusctl_at run' -l allow-row-writes -d 'Also where it writes its row'
complete -c nexusctl -n '__nexusctl_at run' -l user -x -a '(__fish_complete_users)' -d 'Run it as this user'

complete -c nexusctl -n '__nexusctl_at deploy' -F
complete -c nexusctl -n '__nexusctl_at deploy' -l rollback -d 'Go back to the version before'
complete -c nexusctl -n '__nexusctl_at deploy' -l dry-run -d 'Change nothing'
complete -c nexusctl -n '__nexusctl_at deploy' -l user -x -a '(__fish_complete_users)' -d 'Load it as this user'

complete -c nexus-worker -f
complete -c nexus-worker -l config -rF -d 'Read this file'
complete -c nexus-worker -l check-config -d 'Report every mistake in the configuration'
complete -c nexus-worker -l print-config -d 'Show all settings'
complete -c nexus-worker -l until-empty -d 'Stop once the queue is empty'
complete -c nexus-worker -l log-level -x -a 'error warning notice info debug' -d 'What is logged'
complete -c nexus-worker -l version -d 'Show the version'
complete -c nexus-worker -l help -d 'Show how to use it'
