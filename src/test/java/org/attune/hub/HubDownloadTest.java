package org.attune.hub;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.error.HubException;
import org.attune.error.StopRequest;
import org.attune.error.StoppedException;
import org.attune.files.HubCache;
import org.attune.files.HubCache.Kind;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

class HubDownloadTest {
    private static final int SIZE = 300_000;
    private static final HubDownload.Progress SILENT = (_, _, _, _) -> {};

    @TempDir Path root;
    private FakeHub hub;
    private final byte[] weights = new byte[SIZE];

    @BeforeEach
    void fill() throws IOException {
        RandomSource.XO_SHI_RO_256_PP.create(new long[] {1}).nextBytes(weights);
        hub = new FakeHub();
        hub.commit(
                "models/org/tiny",
                "main",
                Map.of(
                        "config.json",
                        text("{}"),
                        "model.safetensors",
                        weights,
                        "pytorch_model.bin",
                        new byte[5000],
                        "onnx/model.onnx",
                        new byte[10],
                        "tokenizer.json",
                        new byte[2000]));
    }

    @AfterEach
    void close() {
        hub.close();
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private HubSettings settings(String... token) {
        return new HubSettings(
                hub.endpoint(),
                Stream.of(token).findFirst(),
                false,
                Duration.ofSeconds(5),
                Duration.ofMillis(1));
    }

    private HubCache cache() {
        return new HubCache(root);
    }

    private Path fetch(String name, String... token) {
        return new HubDownload(settings(token), cache(), SILENT)
                .fetch(HubRepository.of(Kind.MODELS, name), WantedFiles.standard());
    }

    private String refusal(String name, String... token) {
        return assertThrows(HubException.class, () -> fetch(name, token)).getMessage();
    }

    @Test
    void filesStandWhereOtherProgramsLookForThem() throws IOException {
        Path folder = fetch("org/tiny");
        assertArrayEquals(weights, Files.readAllBytes(folder.resolve("model.safetensors")));
        assertArrayEquals(text("{}"), Files.readAllBytes(folder.resolve("config.json")));
        Path repository = root.resolve("models--org--tiny");
        String commit = Files.readString(repository.resolve("refs/main"));
        assertEquals(repository.resolve("snapshots").resolve(commit), folder);
        assertEquals(
                Path.of("../../blobs").resolve(FakeHashes.sha256(weights)),
                Files.readSymbolicLink(folder.resolve("model.safetensors")));
        assertEquals(
                Path.of("../../blobs").resolve(FakeHashes.git(text("{}"))),
                Files.readSymbolicLink(folder.resolve("config.json")));
        assertFalse(Files.exists(folder.resolve("pytorch_model.bin")), "no pickles");
        assertFalse(Files.exists(folder.resolve("onnx")));
        assertEquals(Optional.of(folder), cache().snapshot(Kind.MODELS, "org/tiny", "main"));
        long requests = hub.requests.size();
        assertEquals(folder, cache().find(Kind.MODELS, "org/tiny", "main"));
        assertEquals(requests, hub.requests.size(), "what is there is not asked for");
    }

    @Test
    void newCommitTakesOverWhatIsEqual() throws IOException {
        Path first = fetch("org/tiny");
        long sent = hub.sent;
        hub.commit(
                "models/org/tiny",
                "main",
                Map.of("config.json", text("{ }"), "model.safetensors", weights));
        Path second = fetch("org/tiny");
        assertEquals(sent + 3, hub.sent);
        assertFalse(first.equals(second));
        assertArrayEquals(weights, Files.readAllBytes(second.resolve("model.safetensors")));
    }

    @Test
    void revisionsAreBranchesTagsAndCommits() throws IOException {
        String commit =
                hub.commit("models/org/tiny", "refs/pr/1", Map.of("model.safetensors", weights));
        hub.repositories.get("models/org/tiny").refs.put("v1.0", commit);
        for (String revision : List.of("refs/pr/1", "v1.0", commit)) {
            Path folder = cache().with(source()).find(Kind.MODELS, "org/tiny@" + revision, "main");
            assertEquals(commit, folder.getFileName().toString());
            assertEquals(folder, cache().find(Kind.MODELS, "org/tiny", revision));
        }
        assertTrue(refusal("org/tiny@v2").contains("there is no revision v2"));
        assertThrows(HubException.class, () -> cache().find(Kind.MODELS, "org/tiny@v1.0", "other"));
    }

    private HubCache.Source source() {
        return (cache, kind, name, revision) ->
                new HubDownload(settings(), cache, SILENT)
                        .fetch(new HubRepository(kind, name, revision), WantedFiles.standard());
    }

    @Test
    void interruptedAtFiftyPlacesGoesOn() throws IOException {
        hub.commit("models/org/one", "main", Map.of("model.safetensors", weights));
        var received = new AtomicLong();
        HubDownload.Progress counting =
                new HubDownload.Progress() {
                    @Override
                    public void start(HubRepository r, int files, long bytes, Path folder) {}

                    @Override
                    public void received(long bytes) {
                        received.addAndGet(bytes);
                    }
                };
        var download = new HubDownload(settings(), cache(), counting);
        var one = HubRepository.of(Kind.MODELS, "org/one");
        Path blob = root.resolve("models--org--one/blobs").resolve(FakeHashes.sha256(weights));
        for (int i = 1; i <= 50; i++) {
            received.set(0);
            assertThrows(
                    StoppedException.class,
                    () ->
                            StopRequest.watching(
                                    () -> received.get() > 0,
                                    () -> download.fetch(one, WantedFiles.standard())));
            assertTrue(cache().snapshot(Kind.MODELS, "org/one", "main").isEmpty(), "half a model");
            assertFalse(Files.exists(blob));
            // As a killed process leaves it: any number of bytes, the last ones not on the disk.
            Path part = blob.resolveSibling(blob.getFileName() + BlobDownload.PART);
            try (var channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
                channel.truncate((long) SIZE * i / 51 + i % 7);
            }
        }
        Path folder = download.fetch(one, WantedFiles.standard());
        assertArrayEquals(weights, Files.readAllBytes(folder.resolve("model.safetensors")));
        try (Stream<Path> blobs = Files.list(blob.getParent())) {
            assertEquals(List.of(blob), blobs.toList(), "parts are gone");
        }
    }

    @Test
    void brokenConnectionsCostNoByteTwice() throws IOException {
        for (int i = 1; i <= 20; i++) {
            hub.faults.add(FakeHub.Fault.cut(10_000));
        }
        Path folder = fetch("org/tiny");
        assertArrayEquals(weights, Files.readAllBytes(folder.resolve("model.safetensors")));
        assertEquals(SIZE + 2000 + 2, hub.sent);
        assertEquals(21, hub.largeRequests, "tokenizer and weights, which broke 19 times");
    }

    @Test
    void whatTheServerDoesWrongIsNoticed() throws IOException {
        for (FakeHub.Fault fault :
                List.of(
                        FakeHub.Fault.otherRange(),
                        FakeHub.Fault.whole(),
                        FakeHub.Fault.status(503),
                        FakeHub.Fault.status(416))) {
            Path blobs = Files.createDirectories(root.resolve("models--org--tiny/blobs"));
            Path blob = blobs.resolve(FakeHashes.sha256(weights));
            Files.deleteIfExists(blob);
            fetchHalf(blob);
            hub.faults.add(fault);
            assertArrayEquals(
                    weights, Files.readAllBytes(fetch("org/tiny").resolve("model.safetensors")));
            assertTrue(hub.faults.isEmpty(), fault.kind());
        }
    }

    private void fetchHalf(Path blob) throws IOException {
        Files.write(
                blob.resolveSibling(blob.getFileName() + BlobDownload.PART),
                Arrays.copyOf(weights, SIZE / 2));
        Path tokenizer = blob.resolveSibling(FakeHashes.sha256(new byte[2000]));
        Files.write(tokenizer, new byte[2000]);
    }

    @Test
    void flippedByteIsFound() throws IOException {
        hub.faults.add(FakeHub.Fault.flipped());
        hub.faults.add(FakeHub.Fault.flipped());
        String message = refusal("org/tiny");
        assertTrue(message.contains("arrived twice with other bytes"), message);
        hub.faults.add(FakeHub.Fault.flipped());
        Path folder = fetch("org/tiny");
        assertArrayEquals(weights, Files.readAllBytes(folder.resolve("model.safetensors")));
    }

    @Test
    void partWithWrongBytesIsThrownAway() throws IOException {
        Path blobs = Files.createDirectories(root.resolve("models--org--tiny/blobs"));
        Files.write(
                blobs.resolve(FakeHashes.sha256(weights) + BlobDownload.PART), new byte[SIZE / 2]);
        Path folder = fetch("org/tiny");
        assertArrayEquals(weights, Files.readAllBytes(folder.resolve("model.safetensors")));
    }

    @Test
    void tokenGoesToTheHubAlone() {
        var repository = hub.repositories.get("models/org/tiny");
        repository.reader = Optional.of("reader");
        fetch("org/tiny", "reader");
        assertTrue(hub.largeRequests > 0);
        assertEquals(List.of(), hub.leaks);
        assertFalse(settings("reader").toString().contains("reader"));
    }

    @Test
    void refusalsSayWhatToDo() {
        var repository = hub.repositories.get("models/org/tiny");
        assertTrue(refusal("org/none").contains("not found, or private (401); check the name"));
        assertTrue(refusal("org/none", "t").contains("not found (404)"));
        repository.reader = Optional.of("reader");
        repository.gated = true;
        String gated = refusal("org/tiny");
        assertTrue(gated.contains("ask for access at " + hub.endpoint() + "/org/tiny"), gated);
        assertTrue(gated.contains("set HF_TOKEN"), gated);
        assertTrue(refusal("org/tiny", "other").contains("with the account whose token is set"));
        repository.gated = false;
        assertTrue(refusal("org/tiny", "other").contains("the token is refused (403)"));
    }

    @Test
    void busyServersAreWaitedFor() {
        hub.statuses.addAll(List.of(429, 503, 500, 429));
        fetch("org/tiny");
        hub.statuses.addAll(List.of(429, 429, 429, 429, 429));
        assertTrue(refusal("org/tiny").contains("too many requests (429)"));
        hub.statuses.addAll(List.of(500, 500, 500, 500, 500));
        assertTrue(refusal("org/tiny").contains("status 500: busy; try again later"));
    }

    @Test
    void serverThatIsNotThereIsToldAtOnce() {
        HubSettings there = settings();
        hub.close();
        long start = System.nanoTime();
        String message = refusal("org/tiny");
        assertTrue(message.contains("can't be reached"), message);
        assertTrue(message.contains("HF_ENDPOINT"), message);
        assertTrue(System.nanoTime() - start < 5_000_000_000L);
        assertEquals(there.endpoint(), settings().endpoint());
    }

    @Test
    void whetherItAnswersIsTold() {
        hub.commit("models/models", "main", Map.of());
        hub.statuses.add(200);
        assertEquals(Optional.empty(), HubAnswer.problem(settings()));
        hub.close();
        assertTrue(HubAnswer.problem(settings()).orElseThrow().contains("can't be reached"));
    }

    @Test
    void offlineNothingIsAsked() {
        var offline =
                new HubSettings(
                        hub.endpoint(),
                        Optional.empty(),
                        true,
                        Duration.ofSeconds(1),
                        Duration.ZERO);
        var download = new HubDownload(offline, cache(), SILENT);
        String message =
                assertThrows(
                                HubException.class,
                                () ->
                                        download.fetch(
                                                HubRepository.of(Kind.MODELS, "org/tiny"),
                                                WantedFiles.standard()))
                        .getMessage();
        assertTrue(message.contains("HF_HUB_OFFLINE is set"), message);
        assertEquals(List.of(), hub.requests);
    }

    @Test
    void datasetsAndLongListsOfFiles() throws IOException {
        hub.pageSize = 2;
        hub.commit(
                "datasets/org/rows",
                "main",
                Map.of(
                        "README.md", text("---\n---\n"),
                        "data/train 1.jsonl", text("{}"),
                        "data/test.jsonl", text("{ }"),
                        "script.py", text("import os"),
                        "picture.png", text("p")));
        Path folder =
                new HubDownload(settings(), cache(), SILENT)
                        .fetch(HubRepository.of(Kind.DATASETS, "org/rows"), WantedFiles.standard());
        assertTrue(folder.startsWith(root.resolve("datasets--org--rows")), folder.toString());
        assertEquals("{}", Files.readString(folder.resolve("data/train 1.jsonl")));
        assertTrue(Files.exists(folder.resolve("README.md")));
        assertFalse(Files.exists(folder.resolve("script.py")));
        assertFalse(Files.exists(folder.resolve("picture.png")));
    }

    @Test
    void chosenFilesOnly() {
        var files =
                Map.of(
                        "a.Q4.gguf",
                        new byte[1],
                        "a.Q8.gguf",
                        new byte[2],
                        "config.json",
                        text("{}"));
        hub.commit("models/org/gguf", "main", files);
        String message = refusal("org/gguf");
        assertTrue(message.contains("has 2 GGUF files"), message);
        assertTrue(message.contains("attune download org/gguf --include a.Q4.gguf"), message);
        Path folder =
                new HubDownload(settings(), cache(), SILENT)
                        .fetch(
                                HubRepository.of(Kind.MODELS, "org/gguf"),
                                new WantedFiles(List.of("*.gguf"), List.of("*Q8*")));
        assertTrue(Files.exists(folder.resolve("a.Q4.gguf")));
        assertFalse(Files.exists(folder.resolve("a.Q8.gguf")));
        assertFalse(Files.exists(folder.resolve("config.json")));
        assertEquals(folder, cache().find(Kind.MODELS, "org/gguf", "main"));
    }

    @Test
    void halfAModelOfAnotherProgramIsCompleted() throws IOException {
        Path folder = fetch("org/tiny");
        Files.delete(folder.resolve("model.safetensors"));
        assertThrows(
                AssertionError.class,
                () ->
                        cache().with(
                                        (_, _, _, _) -> {
                                            throw new AssertionError("asked");
                                        })
                                .find(Kind.MODELS, "org/tiny", "main"));
        assertEquals(folder, cache().with(source()).find(Kind.MODELS, "org/tiny", "main"));
        assertTrue(Files.exists(folder.resolve("model.safetensors")));
    }

    @Test
    void namesThatLeadOutsideAreRefused() {
        for (String path :
                List.of("../a", "/etc/passwd", "a/../../b", "a\\b", "a//b", "./a", "a/.", "")) {
            assertThrows(
                    HubException.class,
                    () -> new HubFile(path, 1, "0".repeat(40), Optional.empty()),
                    path);
        }
        assertThrows(HubException.class, () -> new HubFile("a", 1, "../../x", Optional.empty()));
        assertEquals("a/..b", new HubFile("a/..b", 1, "0".repeat(40), Optional.empty()).path());
    }

    @Test
    void twoAtOnceMakeTheSameLinks() throws Exception {
        Path folder = fetch("org/tiny");
        for (int round = 0; round < 20; round++) {
            for (String name : List.of("config.json", "model.safetensors", "tokenizer.json")) {
                Files.delete(folder.resolve(name));
            }
            var other = CompletableFuture.supplyAsync(() -> fetch("org/tiny"));
            assertEquals(folder, fetch("org/tiny"));
            assertEquals(folder, other.get());
            assertArrayEquals(weights, Files.readAllBytes(folder.resolve("model.safetensors")));
        }
    }

    @Test
    void twoAtOnceFetchOnce() throws Exception {
        var other = Thread.ofVirtual().start(() -> fetch("org/tiny"));
        fetch("org/tiny");
        other.join();
        assertTrue(hub.sent <= SIZE + 2000 + 2, hub.sent + " bytes");
    }
}
