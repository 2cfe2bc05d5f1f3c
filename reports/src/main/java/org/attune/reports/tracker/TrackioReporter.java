package org.attune.reports.tracker;

import org.attune.trainers.report.RunReport;
import org.attune.trainers.report.RunReporter;
import org.attune.trainers.report.RunSettings;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// Trackio's inbox on this machine, or the server that `TRACKIO_SERVER_URL` names.
public final class TrackioReporter implements RunReporter {
    @Override
    public String name() {
        return "trackio";
    }

    @Override
    public List<String> variables() {
        return List.of("TRACKIO_DIR", "TRACKIO_SERVER_URL", "TRACKIO_WRITE_TOKEN");
    }

    @Override
    public RunReport open(RunSettings run) {
        String project = run.training().log().project();
        Map<String, String> environment = run.environment();
        Path home = Path.of(System.getProperty("user.home"));
        return TrackerFeed.of(
                run,
                run.variable(TrackioServer.ADDRESS).isBlank()
                        ? new TrackioInbox(project, environment, home)
                        : new TrackioServer(project, environment));
    }
}
