package org.attune.trainers.opening;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.hub.HubDownload;
import org.attune.trainers.judges.RewardModel;
import org.attune.trainers.ppo.PpoConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/// Where folders of reward models are looked for, and what is said if they aren't there.
class RewardModelPathTest {
    @TempDir private Path folder;

    @Test
    void relativeToTheCurrentFolderOrToTheFile() throws IOException {
        Path here = Path.of("").toAbsolutePath();
        Path made = Files.createTempDirectory(here.resolve("target"), "reward-model");
        Files.createFile(made.resolve("config.json"));
        String path = here.relativize(made).toString();
        assertEquals(Optional.of(made), RewardModel.find(path, folder));

        Path nearer = Files.createDirectories(folder.resolve(path));
        Files.createFile(nearer.resolve("adapter_config.json"));
        String both =
                assertThrows(ConfigException.class, () -> RewardModel.find(path, folder))
                        .getMessage();
        assertTrue(both.contains(made + " or " + nearer.toAbsolutePath()), both);

        Files.delete(made.resolve("config.json"));
        Files.delete(made);
        assertEquals(
                Optional.of(nearer.toAbsolutePath().normalize()), RewardModel.find(path, folder));
    }

    @Test
    void aMissingOneIsNamedByItsKey() {
        PpoConfig config = PpoConfig.defaults().withRewardModelPath("out/nowhere");
        var hub = HubDownload.cache();
        String message =
                assertThrows(
                                ConfigException.class,
                                () -> RunRewards.open(config, folder, hub).close())
                        .getMessage();
        assertTrue(message.startsWith("reward_model_path: out/nowhere: no config.json"), message);
        assertTrue(message.contains(folder.resolve("out/nowhere").toString()), message);
        assertTrue(message.contains(Path.of("out/nowhere").toAbsolutePath().toString()), message);
    }
}
