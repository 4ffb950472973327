# Completion of schemadctl for fish: it asks schemadctl what the last word can become.

function __schemadctl_complete
    set -l words (commandline -opc) (commandline -ct)
    command $words[1] complete -- $words[2..-1] 2>/dev/null
end

complete -c schemadctl -f -a '(__schemadctl_complete)'
complete -c schemadctl -F -n '__fish_prev_arg_in --database --scripts --socket --state --token-file --file --sql-file --version-path'
