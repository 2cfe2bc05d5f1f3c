package org.attune.cli;

import org.attune.cli.config.Key;
import org.attune.cli.config.KeyFacts;
import org.attune.cli.config.KeyTable;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.run.Methods;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;

/// `attune completion SHELL`
@Command(
        name = "completion",
        description = {
            "Print what makes a shell complete commands, options and keys.",
            "bash: source <(attune completion bash); zsh: source <(attune completion zsh)"
        })
final class CompletionCommand implements Callable<Integer> {
    /// The shells.
    enum Shell {
        BASH,
        ZSH
    }

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

    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Parameters(paramLabel = "SHELL", description = "bash or zsh.")
    Shell shell;

    @Override
    public Integer call() {
        Map<String, CommandLine> commands = new TreeMap<>(AttuneCommand.line().getSubcommands());
        String name = shell.name().toLowerCase(Locale.ROOT);
        PrintWriter out = spec.commandLine().getOut();
        out.print(shell == Shell.ZSH ? ZSH_HEAD : "");
        out.print(
                HEAD.formatted(
                        name,
                        String.join(" ", commands.keySet()) + " --help --version",
                        values(),
                        optionValues(commands),
                        words(commands),
                        shell == Shell.ZSH
                                ? "-o nospace -o default"
                                : "-o bashdefault -o default"));
        out.flush();
        return ExitCodes.DONE;
    }

    /// A line of a shell's `case`.
    private static String when(String pattern, String words) {
        return "    %s) words=\"%s\" ;;%n".formatted(pattern, words);
    }

    /// What keys accept, where it is a choice.
    private static String values() {
        Map<String, Set<String>> choices = new TreeMap<>();
        KeyTable table = KeyTable.load();
        for (TrainingMethod<?, ?> method : Methods.all()) {
            KeyFacts facts = KeyFacts.of(method);
            table.of(method).stream()
                    .filter(key -> key.outcome() == Key.Outcome.OBEYED)
                    .forEach(
                            key ->
                                    choices.computeIfAbsent(key.name(), _ -> new TreeSet<>())
                                            .addAll(facts.choices(key)));
        }
        return choices.entrySet().stream()
                .filter(entry -> !entry.getValue().isEmpty())
                .map(entry -> "  " + when(entry.getKey(), String.join(" ", entry.getValue())))
                .collect(Collectors.joining());
    }

    /// What options accept, where it is a choice; files otherwise.
    private static String optionValues(Map<String, CommandLine> commands) {
        Map<String, String> cases = new TreeMap<>();
        for (CommandLine command : commands.values()) {
            for (OptionSpec option : command.getCommandSpec().options()) {
                Class<?> type = option.type();
                if (type == TrainingMethod.class) {
                    cases.put(String.join("|", option.names()), methods());
                } else if (type.isEnum()) {
                    cases.put(String.join("|", option.names()), constants(type));
                } else if (type == Path.class) {
                    cases.putIfAbsent(String.join("|", option.names()), "");
                }
            }
        }
        return cases.entrySet().stream()
                .filter(entry -> !entry.getValue().isEmpty())
                .map(entry -> when(entry.getKey(), entry.getValue()))
                .collect(Collectors.joining());
    }

    private static String constants(Class<?> type) {
        return Arrays.stream(type.getEnumConstants())
                .map(constant -> constant.toString().toLowerCase(Locale.ROOT))
                .collect(Collectors.joining(" "));
    }

    /// Options of each command, and what else may follow it.
    private static String words(Map<String, CommandLine> commands) {
        KeyTable table = KeyTable.load();
        var cases = new StringBuilder();
        commands.forEach(
                (name, command) -> {
                    String more =
                            switch (name) {
                                case "help" -> String.join(" ", commands.keySet());
                                case "keys", "init" -> methods();
                                case "completion" -> "bash zsh";
                                case "preview" -> keys(table, Methods.all());
                                default ->
                                        Methods.named(name)
                                                .map(method -> keys(table, List.of(method)))
                                                .orElse("");
                            };
                    cases.append(when(name, (options(command) + " " + more).strip()));
                });
        return cases.toString();
    }

    private static String methods() {
        return Methods.all().stream().map(TrainingMethod::name).collect(Collectors.joining(" "));
    }

    private static String options(CommandLine command) {
        return command.getCommandSpec().options().stream()
                .map(OptionSpec::longestName)
                .sorted(Comparator.naturalOrder())
                .collect(Collectors.joining(" "));
    }

    private static String keys(KeyTable table, List<TrainingMethod<?, ?>> methods) {
        return methods.stream()
                .flatMap(method -> table.of(method).stream())
                .filter(key -> key.outcome() == Key.Outcome.OBEYED)
                .map(key -> key.name() + "=")
                .distinct()
                .sorted()
                .collect(Collectors.joining(" "));
    }
}
