package org.attune.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.files.HubCache.Kind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

class HubCacheTest {
    private static final Path HOME = Path.of("/h");

    @TempDir Path root;

    @Test
    void environmentDecidesInTheOrderOfTheHubLibrary() {
        assertRoot("/h/.cache/huggingface/hub", Map.of());
        assertRoot("/x/huggingface/hub", Map.of("XDG_CACHE_HOME", "/x"));
        assertRoot("/f/hub", Map.of("XDG_CACHE_HOME", "/x", "HF_HOME", "/f"));
        assertRoot("/c", Map.of("HF_HOME", "/f", "HF_HUB_CACHE", "/c"));
        assertRoot("/f/hub", Map.of("HF_HOME", "/f", "HF_HUB_CACHE", ""));
    }

    @Test
    void referencesAndCommitsLeadToSnapshots() throws IOException {
        Path repository = root.resolve("models--org--name");
        Path snapshot = Files.createDirectories(repository.resolve("snapshots/abc123"));
        Files.createDirectories(repository.resolve("refs/refs/pr"));
        Files.writeString(repository.resolve("refs/main"), "abc123\n");
        Files.writeString(repository.resolve("refs/refs/pr/1"), "abc123");
        Files.writeString(repository.resolve("refs/gone"), "def456");
        var cache = new HubCache(root);
        assertEquals(Optional.of(snapshot), cache.snapshot(Kind.MODELS, "org/name", "main"));
        assertEquals(Optional.of(snapshot), cache.snapshot(Kind.MODELS, "org/name", "abc123"));
        assertEquals(Optional.of(snapshot), cache.snapshot(Kind.MODELS, "org/name", "refs/pr/1"));
        assertEquals(Optional.empty(), cache.snapshot(Kind.MODELS, "org/name", "gone"));
        assertEquals(Optional.empty(), cache.snapshot(Kind.MODELS, "org/name", "v2"));
        assertEquals(Optional.empty(), cache.snapshot(Kind.DATASETS, "org/name", "main"));
        assertEquals(Optional.empty(), cache.snapshot(Kind.MODELS, "org/other", "main"));
    }

    @Test
    void namesStayInsideTheCache() throws IOException {
        Path repository = root.resolve("cache/models--a");
        Files.createDirectories(repository.resolve("refs"));
        Files.createDirectories(repository.resolve("snapshots"));
        Files.writeString(repository.resolve("refs/evil"), "../../..");
        var cache = new HubCache(root.resolve("cache"));
        for (String name : new String[] {"../a", "a/b/c", "/etc", "", "a b"}) {
            assertTrue(!HubCache.isRepositoryName(name), name);
            assertEquals(Optional.empty(), cache.snapshot(Kind.MODELS, name, "main"));
        }
        assertEquals(Optional.empty(), cache.snapshot(Kind.MODELS, "a", "../../x"));
        assertEquals(Optional.empty(), cache.snapshot(Kind.MODELS, "a", "evil"));
    }

    private static void assertRoot(String expected, Map<String, String> environment) {
        assertEquals(Path.of(expected), HubCache.of(environment, HOME).root());
    }
}
