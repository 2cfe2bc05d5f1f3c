package org.attune.cli;

import org.attune.cli.command.RunArguments;
import org.attune.cli.config.LoadedRun;
import org.attune.cli.config.RunConfigReader;
import org.attune.ranks.Launched;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.loop.ResumePoint;
import org.attune.trainers.onpolicy.GeneratingRun;
import org.attune.trainers.opening.TrainingMethod;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/// How many logical devices a run has that doesn't say so: as many as before, where it goes on,
/// else as many as there are ranks that train.
final class DeviceCount {
    private static final String KEY = "logical_devices";

    private DeviceCount() {}

    /// Reads a run, whose number of devices is known then.
    static <C extends Record & RunConfig> LoadedRun<C> read(
            TrainingMethod<C, ?> method, RunArguments run, Map<String, String> environment) {
        LoadedRun<C> loaded = read(method, run, run.words).found();
        OptionalInt devices =
                unsaid(loaded.config().training(), writers(loaded.config()), environment);
        if (devices.isEmpty()) {
            return loaded;
        }
        List<String> words = new ArrayList<>(run.words);
        words.add(KEY + "=" + devices.getAsInt());
        return read(method, run, words).found();
    }

    private static <C extends Record & RunConfig> LoadedRun<C> read(
            TrainingMethod<C, ?> method, RunArguments run, List<String> words) {
        return new RunConfigReader().read(method, run.file(), words);
    }

    /// Ranks that don't train.
    private static int writers(RunConfig config) {
        return config instanceof GeneratingRun generating ? generating.lag().rolloutRanks() : 0;
    }

    /// Empty if the settings say it, or if it is 1.
    ///
    /// @param writers ranks that don't train
    static OptionalInt unsaid(
            TrainingConfig training, int writers, Map<String, String> environment) {
        if (training.batch().logicalDevices().isPresent()) {
            return OptionalInt.empty();
        }
        int devices =
                ResumePoint.glance(training.save())
                        .map(checkpoint -> ResumePoint.devices(checkpoint).orElse(1))
                        .orElseGet(
                                () ->
                                        Launched.by(environment)
                                                .map(by -> Math.max(1, by.size() - writers))
                                                .orElse(1));
        return devices == 1 ? OptionalInt.empty() : OptionalInt.of(devices);
    }
}
