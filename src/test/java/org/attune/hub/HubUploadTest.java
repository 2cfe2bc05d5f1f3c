package org.attune.hub;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.error.HubException;
import org.attune.files.HubCache.Kind;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

class HubUploadTest {
    @TempDir Path folder;
    private FakeHub hub;
    private final byte[] weights = new byte[10_000];
    private final AtomicLong sent = new AtomicLong();

    @BeforeEach
    void open() throws IOException {
        RandomSource.XO_SHI_RO_256_PP.create(new long[] {1}).nextBytes(weights);
        Files.write(folder.resolve("w"), weights);
        Files.writeString(folder.resolve("c"), "{}");
        hub = new FakeHub();
    }

    @AfterEach
    void close() {
        hub.close();
    }

    private HubUpload upload(Optional<String> token, boolean offline) {
        return new HubUpload(
                new HubSettings(
                        hub.endpoint(),
                        token,
                        offline,
                        Duration.ofSeconds(5),
                        Duration.ofMillis(1)),
                sent::addAndGet);
    }

    private HubUpload upload() {
        return upload(Optional.of("writer"), false);
    }

    private List<UploadFile> files() {
        return List.of(
                new UploadFile("model.safetensors", folder.resolve("w")),
                new UploadFile("sub/config.json", folder.resolve("c")));
    }

    private void assertArrived(String name, String branch) {
        Map<String, byte[]> files = hub.repositories.get(name).at(branch);
        assertArrayEquals(weights, files.get("model.safetensors"));
        assertEquals("{}", new String(files.get("sub/config.json"), StandardCharsets.UTF_8));
    }

    @Test
    void filesBecomeACommit() {
        HubRepository made =
                upload().create(HubRepository.of(Kind.MODELS, "org/new"), Optional.of(true));
        assertTrue(hub.repositories.get("models/org/new").isPrivate);
        String commit = upload().push(made, files(), "First");
        assertTrue(commit.startsWith(hub.endpoint() + "/org/new/commit/"), commit);
        assertArrived("models/org/new", "main");
        assertEquals(List.of("First"), hub.repositories.get("models/org/new").summaries);
        assertEquals(weights.length, sent.get());
        upload().create(made, Optional.empty());
        upload().push(made, files(), "Again");
        assertEquals(weights.length, sent.get(), "what is there is not sent again");
        assertEquals(List.of(), hub.leaks);
    }

    @Test
    void largeFilesGoInPartsWhereTheServerWantsThat() {
        hub.chunk = 3000;
        HubRepository made =
                upload().create(HubRepository.of(Kind.DATASETS, "org/rows"), Optional.empty());
        upload().push(made, files(), "Rows");
        assertArrived("datasets/org/rows", "main");
    }

    @Test
    void accountAndBranchAreFound() {
        HubRepository made =
                upload().create(HubRepository.of(Kind.MODELS, "own@try/1"), Optional.empty());
        assertEquals("me/own@try/1", made.toString());
        upload().push(made, files(), "On a branch");
        assertArrived("models/me/own", "try/1");
        assertEquals(1, hub.repositories.get("models/me/own").at("main").size());
        upload().create(made, Optional.empty());
    }

    @Test
    void busyServersAreWaitedFor() {
        HubRepository made =
                upload().create(HubRepository.of(Kind.MODELS, "org/new"), Optional.empty());
        hub.statuses.addAll(List.of(503, 429));
        hub.faults.add(FakeHub.Fault.status(500));
        upload().push(made, files(), "First");
        assertArrived("models/org/new", "main");
    }

    @Test
    void refusalsSayWhatToDo() {
        var name = HubRepository.of(Kind.MODELS, "org/new");
        assertEquals(
                "org/new can't be uploaded to without a token; set HF_TOKEN to one that may write",
                refusal(upload(Optional.empty(), false), name));
        assertTrue(
                refusal(upload(Optional.of("reader"), false), name)
                        .contains("the token is refused (401)"));
        assertTrue(refusal(upload(Optional.of("writer"), true), name).contains("HF_HUB_OFFLINE"));
        assertEquals(1, hub.requests.size());
    }

    private static String refusal(HubUpload upload, HubRepository name) {
        return assertThrows(HubException.class, () -> upload.create(name, Optional.empty()))
                .getMessage();
    }
}
