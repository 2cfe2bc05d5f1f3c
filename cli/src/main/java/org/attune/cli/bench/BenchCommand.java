package org.attune.cli.bench;

import org.attune.bench.BenchChart;
import org.attune.bench.BenchHistory;
import org.attune.bench.BenchJson;
import org.attune.bench.BenchResult;
import org.attune.bench.BenchSession;
import org.attune.bench.BenchSpec;
import org.attune.bench.BenchSweep;
import org.attune.bench.BenchTask;
import org.attune.bench.BenchText;
import org.attune.bench.ModelShape;
import org.attune.bench.Peer;
import org.attune.bench.Provenance;
import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.terminal.RunScreen;
import org.attune.cli.terminal.TextTable;
import org.attune.error.AttuneException;
import org.attune.error.ConfigException;
import org.attune.files.AtomicFile;
import org.attune.tensor.Engine;
import org.attune.trainers.report.Machine;
import org.attune.trainers.report.Versions;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;

/// `attune bench sft|dpo|grpo|generate|prefill`
@Command(
        name = "bench",
        description = {
            "Measure speed and memory.",
            "Of the real trainers, each repeat in a separate process."
        },
        subcommands = {
            BenchTableCommand.class,
            BenchTheoryCommand.class,
            BenchDeviceCommand.class,
            BenchScaleCommand.class,
            BenchServeCommand.class,
            BenchWorkerCommand.class
        })
public final class BenchCommand implements Callable<Integer> {
    /// What starts the processes that are measured.
    private static final String MAIN = "org.attune.cli.Main";

    @Mixin CommonOptions common;
    @Mixin BenchOptions work;
    @Mixin PeerOptions peers;
    @Spec CommandSpec spec;

    @Parameters(
            index = "0",
            arity = "0..1", // a subcommand takes its place
            paramLabel = "TASK",
            description = "What to measure: sft, dpo, grpo, generate or prefill.")
    BenchTask task;

    @Option(
            names = "--repeats",
            defaultValue = "3",
            description = "Processes; medians are shown (default: 3).")
    int repeats;

    @Option(
            names = "--vary",
            paramLabel = "SIZE=N,N,…",
            description =
                    "Measure with several sizes: length, rows, vocab, rank, completions,"
                            + " sequences, prompt or new.")
    String vary;

    @Option(
            names = "--output",
            paramLabel = "FOLDER",
            description = "For result.json, result.md and plot.png; with --vary sweep.csv too.")
    Path output;

    @Option(
            names = "--history",
            paramLabel = "FOLDER",
            description = "Gets a line with the result (default: bench/history, if there is one).")
    Path history;

    @Override
    public Integer call() {
        if (task == null) {
            throw new ConfigException(
                    "attune bench: what is to be measured? Give sft, dpo, grpo, generate or"
                            + " prefill");
        }
        if (repeats < 1) {
            throw new ConfigException("--repeats is " + repeats + "; accepted: at least 1");
        }
        try (var screen = RunScreen.open(spec.commandLine().getOut())) {
            return measureAll(screen);
        }
    }

    private int measureAll(RunScreen screen) {
        var session =
                new BenchSession(
                        MAIN, repeats, peers.peer(), peers.chosen(), peers.tune, screen::line);
        BenchSpec asked = work.spec(task);
        if (vary != null) {
            BenchSweep sweep = BenchSweep.parse(vary, asked, work.shape());
            show(screen, List.of(), sweep.run(session, requireOutput()));
            return ExitCodes.DONE;
        }
        BenchResult result = measure(session, asked);
        screen.line(BenchText.work(result.work(), result.model()));
        screen.line(result.machine().text());
        show(screen, header(result), BenchText.rows(result));
        if (!result.operators().isEmpty()) {
            show(
                    screen,
                    List.of("phase", "operator", "calls", "seconds"),
                    BenchText.profileRows(result));
        }
        write(result);
        return ExitCodes.DONE;
    }

    private Path requireOutput() {
        if (output == null) {
            throw new ConfigException("--vary needs --output FOLDER");
        }
        return folder(output);
    }

    private BenchResult measure(BenchSession session, BenchSpec asked) {
        Optional<Peer> peer = peers.peer();
        Optional<ModelShape> shape = work.shape();
        Provenance made = Provenance.now(versions(), peer);
        Machine machine = Machine.current();
        var outcome = session.run(asked, shape);
        return new BenchResult(
                made.date(),
                made.commit(),
                typed(spec),
                machine,
                made.versions(),
                asked,
                outcome.last().model(),
                BenchResult.Side.of("Attune", List.of(), outcome.attune()),
                peer.map(
                        p ->
                                BenchResult.Side.of(
                                        p.program().name(task),
                                        outcome.peerSettings(),
                                        outcome.peer())),
                outcome.last().ceiling(),
                outcome.last().operators());
    }

    private static List<String> header(BenchResult result) {
        return List.of(
                "",
                "Attune",
                result.peer().map(BenchResult.Side::name).orElse("peer"),
                "advantage");
    }

    /// @param header empty: the first row is one
    static void show(RunScreen screen, List<String> header, List<List<String>> rows) {
        List<String> titles = header.isEmpty() ? rows.getFirst() : header;
        List<List<String>> body = header.isEmpty() ? rows.subList(1, rows.size()) : rows;
        screen.table(
                new TextTable(
                        IntStream.range(0, titles.size())
                                .mapToObj(i -> new TextTable.Column(titles.get(i), i > 0))
                                .toList(),
                        body.stream()
                                .map(row -> row.stream().map(TextTable.Cell::of).toList())
                                .toList()));
    }

    private void write(BenchResult result) {
        if (output != null) {
            Path folder = folder(output);
            BenchJson.write(folder.resolve("result.json"), result);
            text(folder.resolve("result.md"), BenchText.markdown(result));
            if (ModuleLayer.boot()
                    .findModule("java.desktop")
                    .isPresent()) { // some JVMs draw nothing
                BenchChart.write(folder.resolve("plot.png"), BenchChart.phases(result));
            }
        }
        BenchHistory.of(history).ifPresent(h -> h.add(result));
    }

    static Path folder(Path folder) {
        try {
            return Files.createDirectories(folder);
        } catch (IOException e) {
            throw new AttuneException("--output: %s can't be made: %s".formatted(folder, e), e);
        }
    }

    private static void text(Path file, String text) {
        try {
            AtomicFile.writeText(file, text);
        } catch (IOException e) {
            throw new AttuneException(file + " can't be written: " + e.getMessage(), e);
        }
    }

    /// The command as it was typed, without folders, which are another's on another machine.
    static String typed(CommandSpec spec) {
        List<String> words =
                spec.commandLine().getParseResult().originalArgs().stream()
                        .map(word -> word.startsWith("/") ? Path.of(word).getFileName() + "" : word)
                        .toList();
        return "attune " + String.join(" ", words);
    }

    static Map<String, String> versions() {
        Properties known = Versions.all();
        Map<String, String> versions = new LinkedHashMap<>();
        versions.put("Attune", known.getProperty("attune"));
        versions.put("libtorch", Engine.libtorch().version());
        versions.put("DJL", known.getProperty("djl"));
        versions.put("Java", System.getProperty("java.version"));
        return versions;
    }
}
