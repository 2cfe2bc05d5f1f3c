package org.attune.trainers.report;

import org.attune.error.CheckpointException;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.RunInfo;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.TrainingListener;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import java.util.Map;

/// TensorBoard event files in `output_dir/runs`, with transformers' tags: `train/loss`,
/// `eval/loss` and so on. A resumed run opens a further file, which tells TensorBoard to forget
/// what an earlier one holds beyond its first step.
public final class TensorBoardFile implements TrainingListener {
    private final Path folder;
    private final InstantSource clock;
    private FileChannel channel;

    /// @param folder where the event file is made, e.g. `output_dir/runs`
    /// @param clock time of the events
    public TensorBoardFile(Path folder, InstantSource clock) {
        this.folder = folder;
        this.clock = clock;
    }

    @Override
    public void onStart(RunInfo info) {
        try {
            Files.createDirectories(folder);
            channel = open();
            write(TensorBoardEvents.version(seconds()));
            write(TensorBoardEvents.sessionStart(seconds(), info.firstStep() + 1));
        } catch (IOException e) {
            throw unwritable(e);
        }
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
    public void onLog(int step, Map<String, Object> metrics) {
        scalars(step, metrics);
    }

    @Override
    public void onTotals(int step, Map<String, Object> totals) {
        scalars(step, totals);
    }

    @Override
    public void onEvaluate(int step, Map<String, Object> metrics) {
        scalars(step, metrics);
    }

    /// A resumed run's file goes on after the checkpoint's step.
    @Override
    public void onSave(int step, Path checkpoint) {
        try {
            channel.force(true);
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    @Override
    public void onEnd(RunSummary summary) {
        try {
            channel.close();
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    private void scalars(int step, Map<String, Object> metrics) {
        try {
            write(TensorBoardEvents.scalars(seconds(), step, metrics, TensorBoardFile::tag));
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    static String tag(String key) {
        return key.startsWith(MetricKeys.EVAL_PREFIX)
                ? "eval/" + key.substring(MetricKeys.EVAL_PREFIX.length())
                : "train/" + key;
    }

    private void write(byte[] event) throws IOException {
        var record = TensorBoardEvents.framed(event);
        while (record.hasRemaining()) {
            channel.write(record);
        }
    }

    private double seconds() {
        return clock.millis() / 1e3;
    }

    private CheckpointException unwritable(IOException e) {
        return new CheckpointException(
                "event files in "
                        + folder
                        + " cannot be written: "
                        + e
                        + "; free space or set report_to: none",
                e);
    }
}
