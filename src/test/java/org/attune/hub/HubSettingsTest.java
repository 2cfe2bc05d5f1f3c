package org.attune.hub;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

class HubSettingsTest {
    @TempDir Path home;

    private HubSettings of(Map<String, String> environment) {
        return HubSettings.of(environment, home);
    }

    @Test
    void variablesAreThoseOfTheHubLibrary() {
        assertEquals("huggingface.co", of(Map.of()).endpoint().getHost());
        assertEquals(
                URI.create("https://example.org/hf"),
                of(Map.of("HF_ENDPOINT", "https://example.org/hf/")).endpoint());
        assertTrue(of(Map.of("HF_HUB_OFFLINE", "1")).offline());
        assertTrue(of(Map.of("TRANSFORMERS_OFFLINE", "True")).offline());
        assertTrue(!of(Map.of("HF_HUB_OFFLINE", "0")).offline());
        assertEquals(Duration.ofSeconds(7), of(Map.of("HF_HUB_DOWNLOAD_TIMEOUT", "7")).timeout());
    }

    @Test
    void tokenComesFromTheEnvironmentOrAFile() throws IOException {
        assertEquals(Optional.empty(), of(Map.of()).token());
        assertEquals(Optional.of("a"), of(Map.of("HF_TOKEN", " a ")).token());
        Path file = Files.createDirectories(home.resolve(".cache/huggingface")).resolve("token");
        Files.writeString(file, "b\n");
        assertEquals(Optional.of("b"), of(Map.of()).token());
        assertEquals(Optional.of("a"), of(Map.of("HF_TOKEN", "a")).token());
        assertEquals(Optional.empty(), of(Map.of("HF_HUB_DISABLE_IMPLICIT_TOKEN", "yes")).token());
        Files.createDirectories(home.resolve("hf"));
        Files.writeString(home.resolve("hf/token"), "c");
        assertEquals(
                Optional.of("c"), of(Map.of("HF_HOME", home.resolve("hf").toString())).token());
        assertEquals(
                Optional.of("c"),
                of(Map.of("HF_TOKEN_PATH", home.resolve("hf/token").toString())).token());
    }

    @Test
    void wrongValuesAreTold() {
        for (var wrong :
                new String[][] {
                    {"HF_ENDPOINT", "mirror.org"},
                    {"HF_ENDPOINT", "ftp://mirror.org"},
                    {"HF_HUB_DOWNLOAD_TIMEOUT", "soon"}
                }) {
            var error = assertThrows(ConfigException.class, () -> of(Map.of(wrong[0], wrong[1])));
            assertTrue(error.getMessage().startsWith(wrong[0]), error.getMessage());
        }
    }
}
