package org.attune.trainers.report;

import org.attune.error.CheckpointException;
import org.attune.files.AtomicFile;
import org.attune.trainers.config.ResolvedConfig;
import org.attune.trainers.loop.RunInfo;
import org.attune.trainers.loop.TrainingListener;

import java.io.IOException;
import java.nio.file.Path;

/// `config.yaml`: the configuration with every key, in the run's folder and in each checkpoint.
/// `attune sft config.yaml` runs it again.
public final class ConfigFile implements TrainingListener {
    public static final String NAME = "config.yaml";

    private final String yaml;

    public ConfigFile(Record config) {
        this.yaml = ResolvedConfig.yaml(config);
    }

    @Override
    public void onStart(RunInfo info) {
        write(info.outputDir());
    }

    @Override
    public void onSave(int step, Path checkpoint) {
        write(checkpoint);
    }

    private void write(Path folder) {
        try {
            AtomicFile.writeText(folder.resolve(NAME), yaml);
        } catch (IOException e) {
            throw new CheckpointException(
                    folder.resolve(NAME) + " cannot be written: " + e + "; free space", e);
        }
    }
}
