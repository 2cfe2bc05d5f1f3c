package org.attune.cli.completion;

import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/// The script for bash and for zsh, which takes bash's.
final class BashCompletion {
    private static final String HEAD =
            """
            # Completes attune's commands, options and keys; made by: attune completion %s
            _attune() {
              local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
              local words= key=
              COMPREPLY=()
              if [ "$COMP_CWORD" -eq 1 ]; then
                COMPREPLY=($(compgen -W "%s" -- "$current"))
                return
              fi
              # The value of a key: bash takes the = for a word of its own, zsh does not.
              if [ "$current" = = ]; then key=$before current=; elif [ "$before" = = ]; then key=${COMP_WORDS[COMP_CWORD - 2]}; fi
              case $current in
                ?*=*) key=${current%%%%=*} ;;
              esac
              if [ -n "$key" ]; then
                case $key in
            %s    esac
                if [ -n "$words" ]; then
                  case $current in
                    ?*=*) COMPREPLY=($(compgen -P "$key=" -W "$words" -- "${current#*=}")) ;;
                    *) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
                  esac
                fi
                return
              fi
              case $before in
            %s  esac
              if [ -n "$words" ]; then
                COMPREPLY=($(compgen -W "$words" -- "$current"))
                return
              fi
              case $command in
            %s  esac
              case $current in
                -*) words=$(printf '%%s\n' $words | grep -e '^-') ;;
                *) words=$(printf '%%s\n' $words | grep -v -e '^-') ;;
              esac
              # A run's file comes first: the shell's own completion knows files.
              if [ -z "$current" ] && [ "$COMP_CWORD" -eq 2 ]; then
                case $words in *=*) return ;; esac
              fi
              COMPREPLY=($(compgen -W "$words" -- "$current"))
              case ${COMPREPLY[0]:-} in
                *=) compopt -o nospace 2>/dev/null ;;
              esac
            }
            complete %s -F _attune attune ./attune
            """;

    private static final String ZSH_HEAD =
            """
            autoload -U +X compinit && compinit -u
            autoload -U +X bashcompinit && bashcompinit
            """;

    private final CompletionWords words;

    BashCompletion(CompletionWords words) {
        this.words = words;
    }

    /// The script of a shell.
    String text(Shell shell) {
        boolean zsh = shell == Shell.ZSH;
        return (zsh ? ZSH_HEAD : "")
                + HEAD.formatted(
                        zsh ? "zsh" : "bash",
                        String.join(" ", words.commands().keySet()) + " --help --version",
                        values(),
                        optionValues(),
                        afterCommands(),
                        zsh ? "-o nospace -o default" : "-o bashdefault -o default");
    }

    /// A line of a shell's `case`.
    private static String when(String pattern, String words) {
        return "    %s) words=\"%s\" ;;%n".formatted(pattern, words);
    }

    private static String values() {
        return CompletionWords.keyValues().entrySet().stream()
                .map(entry -> "  " + when(entry.getKey(), String.join(" ", entry.getValue())))
                .collect(Collectors.joining());
    }

    /// What options accept, where it is a choice; files otherwise.
    private String optionValues() {
        Map<String, String> cases = new TreeMap<>();
        for (CommandLine command : words.commands().values()) {
            for (OptionSpec option : command.getCommandSpec().options()) {
                String names = String.join("|", option.names());
                String values = CompletionWords.values(option);
                if (!values.isEmpty()) {
                    cases.put(names, values);
                }
            }
        }
        return cases.entrySet().stream()
                .map(entry -> when(entry.getKey(), entry.getValue()))
                .collect(Collectors.joining());
    }

    /// Options of each command, and what else may follow it.
    private String afterCommands() {
        var cases = new StringBuilder();
        words.commands()
                .forEach(
                        (name, command) ->
                                cases.append(
                                        when(
                                                name,
                                                (options(command) + " " + words.after(name))
                                                        .strip())));
        return cases.toString();
    }

    private static String options(CommandLine command) {
        return command.getCommandSpec().options().stream()
                .map(OptionSpec::longestName)
                .sorted(Comparator.naturalOrder())
                .collect(Collectors.joining(" "));
    }
}
