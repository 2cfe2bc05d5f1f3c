package org.attune.reports.tensorboard;

import org.attune.trainers.loop.CompletionTable;
import org.attune.trainers.loop.MeasuredRow;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.RunInfo;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.report.RunReport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/// TensorBoard event files in `output_dir/runs`, with transformers' tags: `train/loss`,
/// `eval/loss` and so on; the configuration and completions as texts, rewards and lengths as
/// histograms, and so the margins and losses of held-out rows. A resumed run opens a further file,
/// which tells TensorBoard to forget what an earlier one holds beyond its first step. If it can't
/// be written, the run says so once and goes on.
public final class TensorBoardFile implements RunReport {
    private static final Logger LOG = LoggerFactory.getLogger(TensorBoardFile.class);

    private final Path folder;
    private final Optional<String> config;
    private final InstantSource clock;
    private Optional<FileChannel> channel = Optional.empty();
    private Optional<CompletionTable> newest = Optional.empty();
    private Optional<CompletionTable> heldOut = Optional.empty();
    private final Map<String, List<MeasuredRow>> measured = new LinkedHashMap<>();

    /// @param folder where the event file is made, e.g. `output_dir/runs`
    /// @param config the configuration as YAML, to be shown
    /// @param clock time of the events
    public TensorBoardFile(Path folder, Optional<String> config, InstantSource clock) {
        this.folder = folder;
        this.config = config;
        this.clock = clock;
    }

    @Override
    public void onStart(RunInfo info) {
        try {
            Files.createDirectories(folder);
            channel = Optional.of(open());
        } catch (IOException e) {
            giveUp(e);
        }
        write(() -> TensorBoardEvents.version(seconds()));
        write(() -> TensorBoardEvents.sessionStart(seconds(), info.firstStep() + 1));
        config.ifPresent(yaml -> text(info.firstStep() + 1, "config", fenced(yaml)));
    }

    /// Indents YAML as code, so that nothing of it is taken for Markdown.
    private static String fenced(String yaml) {
        return yaml.lines().map(line -> "    " + line + "\n").collect(Collectors.joining());
    }

    private FileChannel open() throws IOException {
        // TensorBoard asks for "tfevents" in the name and reads files in the order of their names.
        String base = "events.out.tfevents." + clock.millis() + ".attune";
        Path file = folder.resolve(base);
        for (int i = 1; Files.exists(file); i++) {
            file = folder.resolve(base + "." + i);
        }
        return FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    }

    @Override
    public void onCompletions(long round, CompletionTable table) {
        newest = Optional.of(table);
    }

    @Override
    public void onHeldOutCompletions(String set, CompletionTable table) {
        if (heldOut.isEmpty()) {
            heldOut = Optional.of(table);
        }
    }

    @Override
    public void onMeasuredAgain() {
        heldOut = Optional.empty();
    }

    @Override
    public void onHeldOutRows(String set, List<MeasuredRow> rows) {
        measured.put(set, rows);
    }

    @Override
    public void onLog(int step, Map<String, Object> metrics) {
        scalars(step, metrics);
        newest.ifPresent(table -> round(step, "train/", table));
        newest = Optional.empty();
    }

    @Override
    public void onTotals(int step, Map<String, Object> totals) {
        scalars(step, totals);
    }

    @Override
    public void onEvaluate(int step, Map<String, Object> metrics) {
        scalars(step, metrics);
        heldOut.ifPresent(table -> round(step, "eval/", table));
        heldOut = Optional.empty();
        measured.forEach((set, rows) -> rows(step, set.isEmpty() ? "" : set + "_", rows));
        measured.clear();
    }

    /// How values of rows are spread whose means are metrics: losses, margins, rewards.
    private void rows(int step, String set, List<MeasuredRow> rows) {
        Set<String> names = new LinkedHashSet<>();
        rows.forEach(row -> names.addAll(row.values().keySet()));
        for (String name : names) {
            double[] values =
                    rows.stream()
                            .mapToDouble(row -> row.values().getOrDefault(name, Double.NaN))
                            .toArray();
            Histogram.of(values).ifPresent(h -> histogram(step, "eval/" + set + name, h));
        }
    }

    private void round(int step, String prefix, CompletionTable table) {
        text(step, prefix + "completions", TensorBoardRound.table(table));
        TensorBoardRound.numbers(table)
                .forEach(
                        (name, values) ->
                                Histogram.of(values)
                                        .ifPresent(h -> histogram(step, prefix + name, h)));
    }

    private void histogram(int step, String tag, Histogram histogram) {
        write(() -> TensorBoardEvents.histogram(seconds(), step, tag + "/histogram", histogram));
    }

    private void text(int step, String tag, String markdown) {
        write(() -> TensorBoardEvents.text(seconds(), step, tag + "/text_summary", markdown));
    }

    /// A resumed run's file goes on after the checkpoint's step.
    @Override
    public void onSave(int step, Path checkpoint) {
        try {
            if (channel.isPresent()) {
                channel.get().force(true);
            }
        } catch (IOException e) {
            giveUp(e);
        }
    }

    @Override
    public void onEnd(RunSummary summary) {
        close();
    }

    private void scalars(int step, Map<String, Object> metrics) {
        write(() -> TensorBoardEvents.scalars(seconds(), step, metrics, MetricKeys::sectioned));
    }

    private void write(Supplier<byte[]> event) {
        if (channel.isEmpty()) {
            return;
        }
        try {
            var record = TensorBoardEvents.framed(event.get());
            while (record.hasRemaining()) {
                channel.get().write(record);
            }
        } catch (IOException e) {
            giveUp(e);
        }
    }

    private double seconds() {
        return clock.millis() / 1e3;
    }

    private void giveUp(IOException e) {
        LOG.warn(
                "event files in {} can't be written: {}; the run goes on without them",
                folder,
                e.toString());
        close();
    }

    @Override
    public void close() {
        try {
            if (channel.isPresent()) {
                channel.get().close();
            }
        } catch (IOException e) {
            LOG.debug("an event file can't be closed: {}", e.toString());
        }
        channel = Optional.empty();
    }
}
