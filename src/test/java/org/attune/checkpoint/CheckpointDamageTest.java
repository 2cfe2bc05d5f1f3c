package org.attune.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.CheckpointException;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.json.Json;
import org.attune.tensor.DType;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.stream.Stream;

/// A checkpoint that isn't as it was written is passed over for the one before, whatever is wrong
/// with it.
class CheckpointDamageTest {
    @TempDir private Path output;
    private CheckpointStore store;
    private Path newest;

    @BeforeEach
    void twoCheckpoints() {
        store = new CheckpointStore(output, OptionalInt.empty());
        store.save(state(1), 3, 0, CheckpointDamageTest::content);
        newest = store.save(state(2), 3, 0, CheckpointDamageTest::content).folder();
        assertEquals(2, store.newest().orElseThrow().step());
    }

    private static RunState state(int step) {
        return new RunState(
                step, 5, 0.5, Map.of(), Map.of(), Map.of("seed", "1"), List.of(Map.of("step", 1)));
    }

    private static void content(Path folder) throws IOException {
        float[] values = {1, 2, 3};
        SafeTensorsWriter.write(
                folder.resolve(Checkpoint.OPTIMIZER),
                List.of(
                        new SafeTensorsWriter.Source(
                                "m",
                                DType.FLOAT32,
                                new long[] {3},
                                arena -> arena.allocateFrom(ValueLayout.JAVA_FLOAT, values))));
        Files.createDirectories(folder.resolve("value_model"));
        Files.writeString(folder.resolve("value_model/adapter.json"), "{\"rank\": 4}");
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> all = Files.walk(newest)) {
            return all.filter(Files::isRegularFile).sorted().toList();
        }
    }

    private void assertPassedOver(String name) {
        assertEquals(1, store.newest().orElseThrow().step(), name);
        String message =
                assertThrows(CheckpointException.class, () -> Checkpoint.open(newest)).getMessage();
        assertTrue(message.contains(name), message);
    }

    @Test
    void anyBitOfAnyFile() throws IOException {
        for (Path file : files()) {
            byte[] whole = Files.readAllBytes(file);
            for (int at = 0; at < whole.length; at += Math.max(1, whole.length / 60)) {
                byte[] flipped = whole.clone();
                flipped[at] ^= (byte) (1 << at % 8);
                Files.write(file, flipped);
                if (file.endsWith(FileList.NAME) && saysTheSame(whole)) {
                    continue;
                }
                assertPassedOver(newest.relativize(file).toString());
            }
            Files.write(file, whole);
        }
        assertEquals(2, store.newest().orElseThrow().step());
    }

    /// A flipped bit that makes a tab of a space, say, or that stands in a character's case.
    private boolean saysTheSame(byte[] whole) throws IOException {
        try {
            return Json.MAPPER
                    .readTree(whole)
                    .equals(Checkpoint.readJson(newest.resolve(FileList.NAME)));
        } catch (CheckpointException e) {
            return false;
        }
    }

    @Tag("thorough")
    @Test
    void anyLengthOfTheList() throws IOException {
        Path list = newest.resolve(FileList.NAME);
        byte[] whole = Files.readAllBytes(list);
        for (int length = 0; length < whole.length; length++) {
            Files.write(list, Arrays.copyOf(whole, length));
            assertPassedOver(FileList.NAME);
        }
    }

    @Test
    void filesMissingAddedOrReplaced() throws IOException {
        for (Path file : files()) {
            byte[] whole = Files.readAllBytes(file);
            Files.delete(file);
            assertPassedOver(file.getFileName().toString());
            Files.createDirectory(file);
            assertPassedOver(file.getFileName().toString());
            Files.delete(file);
            Files.write(file, whole);
        }
        Files.writeString(newest.resolve(".DS_Store"), "of a file manager");
        assertEquals(2, store.newest().orElseThrow().step());
        Files.writeString(newest.resolve("value_model/other.safetensors"), "x");
        assertPassedOver("value_model/other.safetensors");
    }

    @Test
    void listsOfOtherVersionsAndForms() throws IOException {
        Path list = newest.resolve(FileList.NAME);
        for (String text :
                List.of(
                        "",
                        "null",
                        "[]",
                        "7",
                        "{}",
                        "{\"format\":3,\"step\":2,\"files\":{}}",
                        "{\"format\":1,\"step\":2,\"files\":{}}",
                        "{\"format\":2,\"step\":2,\"files\":{}}",
                        "{\"format\":2,\"step\":2,\"files\":null}",
                        "{\"format\":1,\"step\":2,\"files\":{\"run_state.json\":null}}",
                        "{\"format\":1,\"step\":2,\"files\":{\"\\u0000\":1}}")) {
            Files.writeString(list, text);
            assertPassedOver(FileList.NAME);
        }
    }

    @Test
    void checkpointsOfEarlierBuildsHaveSizesOnly() throws IOException {
        earlierBuild(newest);
        assertEquals(2, store.newest().orElseThrow().step());
        Files.writeString(newest.resolve("value_model/adapter.json"), "{\"rank\": 44}");
        assertPassedOver("value_model/adapter.json");
    }

    @Test
    void stateOfEarlierBuildsMustBeWhole() throws IOException {
        Path file = newest.resolve(Checkpoint.STATE);
        for (String text :
                List.of(
                        "null",
                        "[]",
                        "{}",
                        Files.readString(file).replace("\"identity\"", "\"identitx\""),
                        Files.readString(file).replace("\"seed\" : \"1\"", "\"seed\" : null"),
                        Files.readString(file).replace("\"step\" : 2", "\"step\" : 3"))) {
            Files.writeString(file, text);
            earlierBuild(newest);
            assertPassedOver(Checkpoint.STATE);
        }
    }

    private static void earlierBuild(Path folder) throws IOException {
        var sizes = new TreeMap<String, Long>();
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path file : all.filter(Files::isRegularFile).toList()) {
                sizes.put(folder.relativize(file).toString(), Files.size(file));
            }
        }
        sizes.remove(FileList.NAME);
        Files.writeString(
                folder.resolve(FileList.NAME),
                Json.MAPPER.writeValueAsString(Map.of("format", 1, "step", 2, "files", sizes)));
    }

    @Test
    void noneIsWholeIsAnErrorThatNamesAll() throws IOException {
        Files.delete(newest.resolve(Checkpoint.OPTIMIZER));
        Files.writeString(output.resolve("checkpoint-1").resolve(Checkpoint.OPTIMIZER), "x");
        String message = assertThrows(CheckpointException.class, () -> store.newest()).getMessage();
        assertTrue(message.contains("checkpoint-1: optimizer.safetensors has 1 bytes"), message);
        assertTrue(message.contains("checkpoint-2: optimizer.safetensors is missing"), message);
        assertTrue(message.contains("resume: false"), message);
    }
}
