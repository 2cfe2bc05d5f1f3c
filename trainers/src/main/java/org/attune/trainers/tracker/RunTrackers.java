package org.attune.trainers.tracker;

import org.attune.trainers.config.LogConfig;
import org.attune.trainers.config.ReportTarget;
import org.attune.trainers.config.ResolvedConfig;
import org.attune.trainers.config.TrainingConfig;

import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// The trackers that `report_to` names.
///
/// @param feeds one for each
public record RunTrackers(List<TrackerFeed> feeds) implements AutoCloseable {
    /// How long the end of a run waits for a tracker.
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    public RunTrackers {
        feeds = List.copyOf(feeds);
    }

    /// @param settings of the run, which trackers show
    /// @param environment variables, by which trackers are found
    /// @throws org.attune.error.ConfigException if a variable that a tracker needs is missing or
    ///     wrong
    public static RunTrackers of(
            Record settings, TrainingConfig training, Map<String, String> environment) {
        LogConfig log = training.log();
        Path folder = training.save().outputDir();
        String name =
                log.runName()
                        .orElse(String.valueOf(folder.toAbsolutePath().normalize().getFileName()));
        Map<String, Object> config = ResolvedConfig.flat(settings);
        List<TrackerFeed> feeds = new ArrayList<>();
        for (ReportTarget target : new TreeSet<>(Set.copyOf(log.reportTo()))) {
            for (Tracker tracker : trackers(target, log, environment, folder)) {
                feeds.add(new TrackerFeed(tracker, name, config, PATIENCE, InstantSource.system()));
            }
        }
        return new RunTrackers(feeds);
    }

    private static List<Tracker> trackers(
            ReportTarget target, LogConfig log, Map<String, String> environment, Path folder) {
        return switch (target) {
            case NONE, TENSORBOARD -> List.of();
            case WANDB -> {
                boolean off =
                        "disabled".equalsIgnoreCase(environment.get("WANDB_MODE"))
                                || isTrue(environment.get("WANDB_DISABLED"));
                yield off
                        ? List.of()
                        : List.of(new WandbFile(environment, folder, log.runName().isPresent()));
            }
            case MLFLOW ->
                    isTrue(environment.get("DISABLE_MLFLOW_INTEGRATION"))
                            ? List.of()
                            : List.of(new MlflowServer(environment));
            case TRACKIO ->
                    environment.getOrDefault(TrackioServer.ADDRESS, "").isBlank()
                            ? List.of(
                                    new TrackioInbox(
                                            log.project(),
                                            environment,
                                            Path.of(System.getProperty("user.home"))))
                            : List.of(new TrackioServer(log.project(), environment));
        };
    }

    private static boolean isTrue(String value) {
        return value != null
                && Set.of("1", "true", "yes", "on").contains(value.toLowerCase(Locale.ROOT));
    }

    /// Ends the reporting, if the run has not ended.
    @Override
    public void close() {
        feeds.forEach(TrackerFeed::close);
    }
}
