package org.attune.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import java.util.List;
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
        })
final class AttuneCommand implements Callable<Integer> {
    private static final List<Class<?>> COMMANDS =
            List.of(
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
                    VersionCommand.class);

    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    /// The command with its subcommands. If the arguments begin with the name of one, with that one
    /// alone: describing all of them is work at each start.
    static CommandLine line(String... args) {
        var line = new CommandLine(new AttuneCommand());
        List<Class<?>> named =
                COMMANDS.stream().filter(c -> args.length > 0 && name(c).equals(args[0])).toList();
        (named.isEmpty() ? COMMANDS : named).forEach(line::addSubcommand);
        if (named.isEmpty() && args.length > 0) {
            ElsewhereCommand.of(args[0]).ifPresent(other -> line.addSubcommand(args[0], other));
        }
        line.getSubcommands().values().forEach(AttuneCommand::leaveOptionsToRun);
        return line;
    }

    /// Each key of a run may stand as an option, as TRL has it: the run's reader knows them.
    private static void leaveOptionsToRun(CommandLine command) {
        if (command.getMixins().get("run") instanceof RunArguments) {
            command.setUnmatchedOptionsArePositionalParams(true);
        }
    }

    private static String name(Class<?> command) {
        return command.getAnnotation(Command.class).name();
    }

    @Override
    public Integer call() {
        CommandLine command = spec.commandLine();
        command.usage(command.getErr());
        return ExitCodes.USAGE;
    }
}
