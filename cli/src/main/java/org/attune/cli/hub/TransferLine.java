package org.attune.cli.hub;

import org.attune.cli.progress.ProgressLine;
import org.attune.cli.terminal.FittedLine;
import org.attune.cli.terminal.RunScreen;
import org.attune.hub.HubDownload;
import org.attune.hub.HubRepository;

import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;

/// The line that says how a download goes.
final class TransferLine implements HubDownload.Progress {
    private final RunScreen screen;
    private final AtomicLong received = new AtomicLong();

    TransferLine(RunScreen screen) {
        this.screen = screen;
    }

    @Override
    public void start(HubRepository repository, int files, long bytes, Path folder) {
        screen.line(
                "%s: %d file%s, %s to %s"
                        .formatted(
                                repository,
                                files,
                                files == 1 ? "" : "s",
                                HubDownload.size(bytes),
                                folder));
        long start = System.nanoTime();
        screen.live(columns -> text(bytes, (System.nanoTime() - start) / 1e9, columns));
    }

    private String text(long all, double seconds, int columns) {
        long done = received.get();
        var line = new FittedLine();
        line.add("%s of %s".formatted(HubDownload.size(done), HubDownload.size(all)), 0);
        if (seconds > 1 && done > 0) {
            line.add(HubDownload.size(Math.round(done / seconds)) + "/s", 1);
            double left = (all - done) / (done / seconds);
            line.add("ETA " + ProgressLine.duration(Math.round(1000 * Math.max(0, left))), 2);
        }
        return line.within(columns);
    }

    @Override
    public void received(long bytes) {
        received.addAndGet(bytes);
    }
}
