package org.attune.cli;

import org.attune.adapter.AdapterConfig;
import org.attune.auto.AutoPlan;
import org.attune.auto.MappedRows;
import org.attune.auto.SniffedTable;
import org.attune.auto.TableMapping;
import org.attune.auto.TableReader;
import org.attune.auto.UnclearTableException;
import org.attune.cli.auto.ClassAnswers;
import org.attune.cli.auto.ColumnDialogue;
import org.attune.cli.auto.ColumnOptions;
import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.command.UsesEngine;
import org.attune.cli.config.LoadedRun;
import org.attune.cli.config.RunConfigReader;
import org.attune.cli.terminal.RunScreen;
import org.attune.cli.terminal.VisibleText;
import org.attune.error.ConfigException;
import org.attune.hub.HubDownload;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.attune.reports.page.ClassVerdict;
import org.attune.reports.page.Verdict;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.run.Methods;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.Console;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;

/// `attune auto FILE [MODEL] [key=value …]`
@Command(
        name = "auto",
        description = {
            "Train on a table (CSV, JSON, Parquet, …) without a run's file.",
            "It shows what each column is taken for and the first rows, chooses a method, trains,"
                    + " and says whether the model got better. A table that can be read in two ways"
                    + " is not trained on; options say which column is which."
        })
final class AutoCommand implements Callable<Integer>, UsesEngine {
    private static final int SHOWN = 3;
    private static final int LONGEST = 300;

    @Mixin CommonOptions common;
    @Mixin ColumnOptions columns;
    @Spec CommandSpec spec;

    @Parameters(index = "0", paramLabel = "FILE", description = "The table.")
    Path file;

    @Parameters(
            index = "1..*",
            paramLabel = "MODEL|key=value",
            description =
                    "The model to train: a folder, a .gguf file or a name on the Hub. Keys of a run"
                            + " behind it win over what is chosen.")
    List<String> words = new ArrayList<>();

    @Option(
            names = {"-o", "--out"},
            paramLabel = "DIR",
            description = "Folder of the run (default: the table's name with -model).")
    Path out;

    @Option(
            names = "--dry-run",
            description = "Show columns, rows and the run's file; train and write nothing.")
    boolean dry;

    @Override
    public boolean stopsItself() {
        return true;
    }

    @Override
    public Integer call() {
        PrintWriter console = spec.commandLine().getOut();
        if (!Files.isRegularFile(file)) {
            throw new ConfigException(file + ": no such file");
        }
        SniffedTable table = TableReader.read(file);
        TableMapping mapping = mapping(table);
        tell(console, table, mapping);
        Optional<String> model = model();
        if (model.isEmpty() && !dry) {
            throw new ConfigException(
                    "which model? Name it behind the table, such as attune auto %s HuggingFaceTB/SmolLM2-135M-Instruct"
                            .formatted(file));
        }
        AutoPlan plan = plan(table, mapping, model);
        tell(console, plan);
        String what =
                "made by attune auto of %s: %s; %s"
                        .formatted(file.getFileName(), mapping.kind().words(), mapping.options());
        if (dry) {
            console.print("run.yaml:\n" + plan.yaml(what).indent(2));
            console.flush();
            return ExitCodes.DONE;
        }
        Path run = plan.write(what);
        console.println("written: " + run);
        console.flush();
        boolean classes =
                mapping.kind() == TableMapping.Kind.CLASSES || ClassAnswers.recur(plan.rows());
        return train(Methods.named(plan.rows().method()).orElseThrow(), plan, run, classes);
    }

    private TableMapping mapping(SniffedTable table) {
        try {
            return columns.mapping(table);
        } catch (UnclearTableException e) {
            return asked(table, e.getMessage())
                    .orElseThrow(() -> new ConfigException(file + ": " + e.getMessage(), e));
        }
    }

    /// Asks at the terminal, if there is one.
    private Optional<TableMapping> asked(SniffedTable table, String why) {
        Console console = System.console();
        return console == null || !console.isTerminal() || !RunScreen.isTerminal()
                ? Optional.empty()
                : new ColumnDialogue(spec.commandLine().getOut(), console::readLine)
                        .ask(table, file + ": " + why);
    }

    private Optional<String> model() {
        return words.isEmpty() || words.getFirst().contains("=") || words.getFirst().startsWith("-")
                ? Optional.empty()
                : Optional.of(words.getFirst());
    }

    private List<String> overrides() {
        return model().isPresent() ? words.subList(1, words.size()) : words;
    }

    private AutoPlan plan(SniffedTable table, TableMapping mapping, Optional<String> model) {
        Path folder = out == null ? Path.of(stem(file) + "-model") : out;
        if (model.isEmpty()) {
            MappedRows rows = MappedRows.of(table, mapping, true);
            return AutoPlan.of(rows, "MODEL", folder, true, Optional.empty());
        }
        Path path = Path.of(model.get());
        String name =
                Files.exists(path) ? path.toAbsolutePath().normalize().toString() : model.get();
        var hub = HubDownload.cache(System.getenv());
        try (var setup = ModelSetup.open(ModelConfig.of(name), hub)) {
            boolean chat = setup.text().template().isPresent();
            MappedRows rows = MappedRows.of(table, mapping, chat);
            return AutoPlan.of(rows, name, folder, chat, Optional.of(setup.text().tokenizer()));
        }
    }

    private static String stem(Path file) {
        return file.getFileName().toString().replaceFirst("(\\.\\w{1,8})+$", "");
    }

    private void tell(PrintWriter console, SniffedTable table, TableMapping mapping) {
        console.println("%s: %d rows".formatted(file, table.rows().size()));
        table.notes().forEach(note -> console.println("  " + note));
        console.println("columns:");
        mapping.byColumn(table.columns())
                .forEach(
                        (column, role) ->
                                console.println(
                                        "  %-20s %s".formatted(VisibleText.of(column), role)));
        console.println("taken for: " + mapping.kind().words());
        mapping.notes().forEach(note -> console.println("  " + note));
        console.flush();
    }

    private void tell(PrintWriter console, AutoPlan plan) {
        console.println("first rows, as they are trained:");
        plan.rows().train().stream()
                .limit(SHOWN)
                .forEach(
                        row ->
                                row.forEach(
                                        (key, value) ->
                                                console.println(
                                                        "  %-10s %s"
                                                                .formatted(
                                                                        key,
                                                                        VisibleText.fit(
                                                                                VisibleText.of(
                                                                                        String
                                                                                                .valueOf(
                                                                                                        value)),
                                                                                LONGEST)))));
        plan.rows().notes().forEach(note -> console.println("  " + note));
        console.println(
                "method: %s; rows to learn from: %d; held out: %d; tokens of the longest: about %d"
                        .formatted(
                                plan.rows().method(),
                                plan.rows().train().size(),
                                plan.rows().heldOut().size(),
                                plan.longest()));
        if (!plan.chat()) {
            console.println(
                    "the model has no chat template, so questions and answers are plain text");
        }
        console.flush();
    }

    private <C extends Record & RunConfig> int train(
            TrainingMethod<C, ?> method, AutoPlan plan, Path run, boolean classes) {
        LoadedRun<C> loaded = new RunConfigReader().read(method, run, overrides()).found();
        C config = loaded.config();
        int code =
                new TrainingSession(spec, loaded, config)
                        .run(runs -> runs.train(method, config, loaded.directory()));
        if (code != ExitCodes.DONE) {
            return code;
        }
        PrintWriter console = spec.commandLine().getOut();
        Path result = config.training().save().outputDir();
        Verdict verdict = Verdict.of(result);
        boolean better = verdict.isBetter();
        boolean adapted = Files.exists(result.resolve(AdapterConfig.FILE));
        if (classes) {
            console.println(verdict.detail());
            console.flush();
            ModelConfig trained =
                    adapted
                            ? config.model().withAdapterNameOrPath(result.toString())
                            : config.model()
                                    .withoutAdapter()
                                    .withModelNameOrPath(result.toString());
            ClassVerdict named = ClassAnswers.judge(plan.rows(), trained);
            console.println(named.line());
            better = named.isBetter();
        } else {
            console.println(verdict.line());
        }
        console.println(
                adapted
                        ? "to talk to it: attune chat --model %s --adapter %s"
                                .formatted(plan.model(), result)
                        : "to talk to it: attune chat --model " + result);
        console.flush();
        return better ? ExitCodes.DONE : ExitCodes.NO_BETTER;
    }
}
