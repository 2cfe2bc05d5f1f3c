package org.attune.bench;

import org.attune.error.AttuneException;
import org.attune.model.config.DecoderConfig;
import org.attune.tensor.DType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/// Repeats a benchmark, each time in a new process, a peer taking turns.
///
/// @param mainClass whose `main` takes `bench worker SPEC ROWS FOLDER RESULT`
/// @param repeats how often, ≥ 1
/// @param peer takes turns
/// @param settings of the peer; empty: those that are usually fastest, or with `tune` those that
///     are fastest here
/// @param tune whether each of the peer's settings is tried once beforehand
/// @param progress is told what happens
public record BenchSession(
        String mainClass,
        int repeats,
        Optional<Peer> peer,
        Optional<List<String>> settings,
        boolean tune,
        Consumer<String> progress) {

    /// What was measured.
    ///
    /// @param last Attune's last repeat
    /// @param attune figures of each repeat
    /// @param peerSettings options of the peer
    /// @param peer figures of each of its runs; none without a peer
    public record Outcome(
            BenchRun last,
            List<Map<String, Double>> attune,
            List<String> peerSettings,
            List<Map<String, Double>> peer) {}

    /// Measures.
    ///
    /// @param synthetic shape of a random model in place of the work's; it is written to a
    ///     temporary
    ///     folder
    public Outcome run(BenchSpec spec, Optional<ModelShape> synthetic) {
        Path folder = temporaryFolder();
        try {
            return run(spec, synthetic, folder);
        } finally {
            delete(folder);
        }
    }

    private Outcome run(BenchSpec asked, Optional<ModelShape> synthetic, Path folder) {
        BenchSpec spec = synthetic.isPresent() ? asked.withModel(folder) : asked;
        synthetic.ifPresent(shape -> new SyntheticModel(shape).write(folder));
        peer.ifPresent(p -> p.check(spec));
        Path rows = BenchData.write(spec, synthetic.map(ModelShape::vocabulary).orElse(0), folder);
        List<String> options = settings.orElseGet(() -> peerSettings(spec, rows, folder));
        List<Map<String, Double>> ours = new ArrayList<>();
        List<Map<String, Double>> theirs = new ArrayList<>();
        BenchRun last = null;
        for (int i = 1; i <= repeats; i++) {
            last = attune(spec, rows, folder);
            ours.add(new Figures(spec, last, theory(spec, last)).all());
            progress.accept("%d of %d: Attune %s".formatted(i, repeats, headline(ours.getLast())));
            if (peer.isPresent()) {
                theirs.add(theirs(spec, rows, options, folder).figures());
                progress.accept(
                        "%d of %d: %s %s"
                                .formatted(i, repeats, peerName(spec), headline(theirs.getLast())));
            }
        }
        return new Outcome(last, ours, options, theirs);
    }

    private Peer.Run theirs(BenchSpec spec, Path rows, List<String> options, Path folder) {
        return peer.orElseThrow().run(spec, rows, options, folder.resolve("peer.log"));
    }

    private List<String> peerSettings(BenchSpec spec, Path rows, Path folder) {
        if (peer.isEmpty()) {
            return List.of();
        }
        List<List<String>> choices = peer.get().program().settings(spec.task());
        if (!tune || choices.size() == 1) {
            return choices.getFirst();
        }
        List<Peer.Run> runs = new ArrayList<>();
        for (List<String> choice : choices) {
            runs.add(theirs(spec, rows, choice, folder));
            progress.accept(
                    "%s with %s: %s"
                            .formatted(
                                    peerName(spec),
                                    String.join(" ", choice),
                                    headline(runs.getLast().figures())));
        }
        return runs.stream()
                .max(Comparator.comparingDouble(BenchSession::speed))
                .orElseThrow()
                .settings();
    }

    private String peerName(BenchSpec spec) {
        return peer.orElseThrow().program().name(spec.task());
    }

    private static double speed(Peer.Run run) {
        return run.figures().containsKey(Figures.TOKENS_ALL)
                ? run.figures().get(Figures.TOKENS_ALL)
                : run.figures().getOrDefault(Figures.COMPLETIONS_ALL, 0.0);
    }

    private BenchRun attune(BenchSpec spec, Path rows, Path folder) {
        Path work = folder.resolve("work.json");
        Path result = folder.resolve("run.json");
        BenchJson.write(work, spec);
        List<String> command =
                new ArrayList<>(
                        spec.task().trains() ? Programs.thisJvmToTrain() : Programs.thisJvm());
        command.addAll(List.of(mainClass, "bench", "worker"));
        for (Path argument : List.of(work, rows, folder, result)) {
            command.add(argument.toString());
        }
        Programs.run(command, folder.resolve("attune.log"), _ -> {});
        return BenchJson.read(result, BenchRun.class);
    }

    /// The costs in theory of the model that was measured.
    public static Theory theory(BenchSpec spec, BenchRun run) {
        DecoderConfig config = run.model().config();
        DType dtype = DType.valueOf(run.dtype());
        return new Theory(new ModelFlops(config, spec.rank()), dtype);
    }

    /// The first figures, in a line.
    static String headline(Map<String, Double> figures) {
        return String.join(
                ", ",
                figures.entrySet().stream()
                        .limit(3)
                        .map(e -> e.getKey() + ": " + BenchText.number(e.getValue()))
                        .toList());
    }

    private static Path temporaryFolder() {
        try {
            return Files.createTempDirectory("attune-bench");
        } catch (IOException e) {
            throw new AttuneException("no temporary folder can be made: " + e, e);
        }
    }

    private static void delete(Path folder) {
        try (var files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new AttuneException("%s can't be deleted: %s".formatted(folder, e), e);
        }
    }
}
