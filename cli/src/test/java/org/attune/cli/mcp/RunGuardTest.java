package org.attune.cli.mcp;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

class RunGuardTest {
    @TempDir private Path folder;
    private Path root;
    private Path outside;
    private Roots roots;

    @BeforeEach
    void lay() throws IOException {
        root = Files.createDirectory(folder.resolve("root"));
        outside = Files.writeString(folder.resolve("secret.jsonl"), "{}\n");
        Files.writeString(root.resolve("data.jsonl"), "{}\n");
        roots = Roots.of(List.of(root));
    }

    private void require(boolean programs, String key, Object value) {
        new RunGuard(roots, programs).require(Map.of(key, value), root);
    }

    private void accepted(String key, Object value) {
        assertDoesNotThrow(() -> require(false, key, value));
    }

    private void refused(String key, Object value) {
        var e = assertThrows(ConfigException.class, () -> require(false, key, value));
        assertTrue(e.getMessage().startsWith(key + ": ") || key.equals("datasets"), e::getMessage);
    }

    @Test
    @DisabledOnOs(OS.WINDOWS) // links need rights there
    void linksCountAsWhatTheyLeadTo() throws IOException {
        Files.createDirectory(folder.resolve("far"));
        Files.createDirectory(folder.resolve("far/deep"));
        Files.createSymbolicLink(root.resolve("file"), outside);
        Files.createSymbolicLink(root.resolve("way"), folder.resolve("far/deep"));
        Files.createSymbolicLink(root.resolve("nowhere"), folder.resolve("not-there"));
        assertFalse(roots.hold(root.resolve("file")));
        assertFalse(roots.hold(root.resolve("way/new")));
        assertFalse(roots.hold(root.resolve("way/../root")), "above the link's end, not the link");
        assertFalse(roots.hold(root.resolve("nowhere")), "writing there would make a file outside");
        assertFalse(roots.hold(root.resolve("../root2")));
        assertTrue(roots.hold(root.resolve("new/../data.jsonl")));
        assertTrue(roots.hold(root.resolve("a/b/c")));
    }

    @Test
    void pathsOutsideAreRefusedWhateverTheirKey() {
        accepted("datasets", root.resolve("data.jsonl").toString());
        accepted("datasets", List.of(Map.of("path", root.resolve("data.jsonl").toString())));
        refused("datasets", outside.toString());
        refused("datasets", List.of(Map.of("path", outside.toString())));
        refused("datasets", "../secret.jsonl"); // beside the run's file it would be found
        refused("datasets", folder.resolve("*.jsonl").toString());
        refused("datasets", outside + "#name");
        refused("output_dir", folder.resolve("out").toString());
        refused("output_dir", "out"); // where the process runs is no root here
        accepted("output_dir", root.resolve("out").toString());
        refused("deepspeed", outside.toString());
        refused("some_new_key", outside.toString());
        refused("record_rollouts", folder.resolve("new.jsonl").toString());
        accepted("model_name_or_path", "org/name");
        accepted("rollout_server_base_url", "http://localhost:8000/v1");
        accepted("system_prompt", "/no_think");
        refused("model_name_or_path", "file://" + outside);
    }

    @Test
    void programsAreRefusedUnlessAllowed() {
        accepted("reward_funcs", List.of("exact_answer", Map.of("name", "json", "weight", "2")));
        for (Object reward :
                List.of(
                        "class:org.example.Reward",
                        "Reward.java",
                        "my_rewards.accuracy",
                        "rewards.py:accuracy",
                        Map.of("command", List.of("sh")),
                        Map.of("file", "Reward.java"),
                        Map.of("name", "my_rewards.accuracy"))) {
            refused("reward_funcs", List.of(reward));
            assertDoesNotThrow(() -> require(true, "reward_funcs", reward));
        }
        accepted("tools", List.of("calculator", Map.of("name", "table", "rows", "3")));
        refused("tools", List.of("python"));
        refused("tools", List.of(Map.of("mcp", Map.of("command", List.of("sh")))));
        refused("environments", Map.of("maze", Map.of("command", List.of("sh"))));
        refused("agent", Map.of("command", List.of("sh")));
    }

    @Test
    void nothingIsSentToTheHub() {
        refused("push_to_hub", "true");
        accepted("push_to_hub", "false");
        refused("env", Map.of("HF_HOME", "x"));
    }
}
