package org.attune.cli;

import org.attune.cli.command.ExitCodes;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Unmatched;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;

/// A command that TRL has and Attune has not: says what there is instead.
@Command(description = "What there is instead of a command of TRL.")
final class ElsewhereCommand implements Callable<Integer> {
    private static final String DISTILLATION =
            "is not implemented. attune gkd and attune distillation learn from a teacher with the"
                    + " same vocabulary.";

    private static final Map<String, String> INSTEAD =
            Map.ofEntries(
                    Map.entry("simpo", "is attune cpo with loss_type: simpo and cpo_alpha: 0."),
                    Map.entry("alphapo", "is attune cpo with loss_type: alphapo."),
                    Map.entry("gold", DISTILLATION),
                    Map.entry("minillm", DISTILLATION),
                    Map.entry("online-dpo", "is attune online_dpo here."),
                    Map.entry("nash-md", "is attune nash_md here."),
                    Map.entry(
                            "vllm-serve",
                            "serves vLLM. attune grpo generates itself; rollout_server_base_url"
                                    + " takes completions from any OpenAI-compatible server"
                                    + " (docs/rollouts.md)."),
                    Map.entry("env", "is attune version here."),
                    Map.entry(
                            "launch",
                            "is --ranks N behind the command here: attune sft run.yaml --ranks 4"
                                    + " (docs/scale.md)."));

    private final String name;
    @Spec CommandSpec spec;
    @Unmatched List<String> words;

    private ElsewhereCommand(String name) {
        this.name = name;
    }

    /// The command for a name of TRL's, with hyphens or underscores; empty for other names.
    static Optional<CommandLine> of(String name) {
        return instead(name).map(_ -> new CommandLine(new ElsewhereCommand(known(name))));
    }

    /// What there is instead of a command of TRL's, in a sentence; empty for other names.
    static Optional<String> instead(String name) {
        return Optional.ofNullable(INSTEAD.get(known(name))).map(text -> known(name) + " " + text);
    }

    private static String known(String name) {
        return name.replace('_', '-');
    }

    @Override
    public Integer call() {
        spec.commandLine().getErr().println("attune: " + instead(name).orElseThrow());
        return ExitCodes.USAGE;
    }
}
