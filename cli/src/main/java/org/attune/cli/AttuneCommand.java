package org.attune.cli;

import org.attune.cli.bench.BenchCommand;
import org.attune.cli.chat.ChatCommand;
import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.command.RunArguments;
import org.attune.cli.data.DataCommand;
import org.attune.cli.doctor.DoctorCommand;
import org.attune.cli.eval.EvalCommand;
import org.attune.cli.eval.ScoreCommand;
import org.attune.cli.eval.TasksCommand;
import org.attune.cli.generate.GenerateCommand;
import org.attune.cli.generate.SampleCommand;
import org.attune.cli.hub.DownloadCommand;
import org.attune.cli.hub.UploadCommand;
import org.attune.cli.mcp.McpCommand;
import org.attune.cli.model.CombineCommand;
import org.attune.cli.model.ExportCommand;
import org.attune.cli.model.MergeCommand;
import org.attune.cli.model.VerifyModelCommand;
import org.attune.cli.rounds.EpisodesCommand;
import org.attune.cli.rounds.RescoreCommand;
import org.attune.cli.runs.ReportCommand;
import org.attune.cli.runs.RunsCommand;
import org.attune.cli.serve.ServeCommand;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.run.Methods;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.UsageMessageSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;

/// The command `attune` without a subcommand shows its help.
@Command(
        name = "attune",
        versionProvider = VersionCommand.Provider.class,
        description = {
            "Aligns language models: SFT, DPO and its relatives, GRPO, RLOO, PPO, reward models"
                    + " with LoRA, in one JVM.",
            "",
            "First steps:",
            "  attune grpo examples/quickstart/grpo.yaml  a tiny model learns to sort",
            "  attune init dpo --out run.yaml             a run's file to fill in",
            "  attune preview run.yaml                    the rows as the model sees them",
            "  attune dpo run.yaml                        train",
            "  attune chat --model MODEL --adapter DIR    talk to the result",
            ""
        },
        synopsisSubcommandLabel = "COMMAND",
        commandListHeading = "",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:done",
            "1:failed",
            "2:the command or the configuration is wrong",
            "3:attune auto or learn trained, and the model is no better",
            "130:stopped by Ctrl-C; the run can be resumed"
        })
final class AttuneCommand implements Callable<Integer> {
    /// The methods that train, models that score last.
    private static final List<TrainingMethod<?, ?>> METHODS =
            Methods.all().stream().sorted(Comparator.comparing(TrainingMethod::kind)).toList();

    /// The others, by what they are for.
    private static final Map<String, List<Class<?>>> GROUPS = groups();

    private static final List<Class<?>> COMMANDS =
            GROUPS.values().stream().<Class<?>>flatMap(List::stream).toList();

    private static Map<String, List<Class<?>>> groups() {
        Map<String, List<Class<?>>> groups = new LinkedHashMap<>();
        groups.put(
                "Prepare",
                List.of(
                        AutoCommand.class,
                        SweepCommand.class,
                        InitCommand.class,
                        KeysCommand.class,
                        SchemaCommand.class,
                        PreviewCommand.class,
                        DataCommand.class,
                        TasksCommand.class,
                        VerifyModelCommand.class));
        groups.put(
                "Use a model",
                List.of(
                        ChatCommand.class,
                        ServeCommand.class,
                        FeedbackCommand.class,
                        LearnCommand.class,
                        McpCommand.class,
                        GenerateCommand.class,
                        SampleCommand.class,
                        EvalCommand.class,
                        ScoreCommand.class,
                        RescoreCommand.class,
                        EpisodesCommand.class,
                        MergeCommand.class,
                        CombineCommand.class,
                        ExportCommand.class));
        groups.put(
                "Runs and the Hub",
                List.of(
                        RunsCommand.class,
                        ReportCommand.class,
                        DownloadCommand.class,
                        UploadCommand.class));
        groups.put(
                "Attune itself",
                List.of(
                        HelpCommand.class,
                        VersionCommand.class,
                        DoctorCommand.class,
                        RanksCommand.class,
                        CompletionCommand.class,
                        BenchCommand.class));
        return groups;
    }

    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Option(
            names = {"-V", "--version"},
            versionHelp = true,
            description = "Print the version, and those of what it runs on.")
    boolean version;

    /// The command with its subcommands. If the arguments begin with the name of one, with that one
    /// alone: describing all of them is work at each start.
    static CommandLine line(String... args) {
        var line = new CommandLine(new AttuneCommand());
        List<Class<?>> named =
                COMMANDS.stream().filter(c -> args.length > 0 && name(c).equals(args[0])).toList();
        Optional<TrainingMethod<?, ?>> method =
                args.length > 0 ? Methods.named(args[0]) : Optional.empty();
        if (method.isPresent()) {
            line.addSubcommand(TrainCommand.of(method.get()));
        } else if (named.isEmpty() || named.contains(HelpCommand.class)) {
            METHODS.forEach(known -> line.addSubcommand(TrainCommand.of(known)));
            COMMANDS.forEach(line::addSubcommand);
        } else {
            named.forEach(line::addSubcommand);
        }
        line.getHelpSectionMap()
                .put(
                        UsageMessageSpec.SECTION_KEY_COMMAND_LIST,
                        help -> commandList(help.subcommands()));
        if (named.isEmpty() && method.isEmpty() && args.length > 0) {
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

    private static String commandList(Map<String, Help> known) {
        var text = new StringBuilder();
        text.append("%nTrain:%n".formatted());
        METHODS.stream()
                .filter(method -> known.containsKey(method.name()))
                .forEach(method -> text.append(line(method.name(), method.summary())));
        GROUPS.forEach(
                (title, commands) -> {
                    text.append("%n%s:%n".formatted(title));
                    for (Class<?> command : commands) {
                        String name = name(command);
                        String[] words = command.getAnnotation(Command.class).description();
                        if (known.containsKey(name)) {
                            text.append(line(name, words[0]));
                        }
                    }
                });
        return text.toString();
    }

    private static String line(String name, String words) {
        return "  %-12s  %s%n".formatted(name, words);
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
