package org.attune.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import java.util.concurrent.Callable;

/// The command `attune` without a subcommand shows its help.
@Command(
        name = "attune",
        description =
                "Aligns language models: SFT, DPO, BCO, GRPO, PPO and reward models with LoRA, in"
                        + " one JVM.",
        synopsisSubcommandLabel = "COMMAND",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:done",
            "1:failed",
            "2:the command or the configuration is wrong",
            "130:stopped by Ctrl-C; the run can be resumed"
        },
        subcommands = {
            SftCommand.class,
            DpoCommand.class,
            BcoCommand.class,
            GrpoCommand.class,
            PpoCommand.class,
            RewardCommand.class,
            PrmCommand.class,
            PreviewCommand.class,
            GenerateCommand.class,
            EvalCommand.class,
            TasksCommand.class,
            BenchCommand.class,
            ChatCommand.class,
            MergeCommand.class,
            ExportCommand.class,
            VerifyModelCommand.class,
            VersionCommand.class
        })
final class AttuneCommand implements Callable<Integer> {
    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Override
    public Integer call() {
        CommandLine command = spec.commandLine();
        command.usage(command.getErr());
        return ExitCodes.USAGE;
    }
}
