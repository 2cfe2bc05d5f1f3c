package org.attune.trainers.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.trainers.config.ResolvedConfig;
import org.attune.trainers.loop.RunInfo;
import org.attune.trainers.sft.SftConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

class ConfigFileTest {
    @TempDir Path folder;

    @Test
    void configurationStandsInTheRunAndInItsCheckpoints() throws IOException {
        var config = new ConfigFile(SftConfig.defaults());
        Path checkpoint = Files.createDirectories(folder.resolve("checkpoint-1"));
        config.onStart(new RunInfo("sft", folder, 0, 10, 5, 0, 1));
        config.onSave(1, checkpoint);
        for (Path place : new Path[] {folder, checkpoint}) {
            String yaml = Files.readString(place.resolve("config.yaml"));
            assertEquals(ResolvedConfig.yaml(SftConfig.defaults()), yaml);
            assertTrue(yaml.contains("learning_rate: 2.0E-5"), yaml);
        }
    }
}
