package org.attune.cli.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.trainers.config.BcoConfig;
import org.attune.trainers.config.DpoConfig;
import org.attune.trainers.config.GrpoConfig;
import org.attune.trainers.config.PpoConfig;
import org.attune.trainers.config.PrmConfig;
import org.attune.trainers.config.RewardTrainerConfig;
import org.attune.trainers.config.SftConfig;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

class KeyTableTest {
    /// Keys that are rewritten before records are filled, and the environment.
    private static final Set<String> REWRITTEN =
            Set.of(
                    "bf16",
                    "use_cpu",
                    "dataset_name",
                    "dataset_config",
                    "dataset_train_split",
                    "dataset_test_split",
                    "resume_from_checkpoint",
                    "response_length",
                    "env");

    /// Where our default is not TRL's; `docs/keys.md` lists them with the reason.
    private static final Set<String> OTHER_DEFAULT =
            Set.of("dtype", "output_dir", "model_name_or_path", "stop_token", "reward_model_path");

    private static final Map<Method, Set<String>> OTHER_DEFAULT_OF_METHOD =
            Map.of(Method.BCO, Set.of("train_sampling_strategy"));

    private final KeyTable table = KeyTable.load();

    @Test
    void everyKeyOfTrlIsKnownWithItsDefault() throws IOException {
        int count = 0;
        for (String line : trlKeys()) {
            String[] cells = line.split("\t");
            for (String name : cells[1].split(",")) {
                Method method = Method.valueOf(name.toUpperCase(java.util.Locale.ROOT));
                Key key = table.find(method, cells[0]).orElseThrow(() -> new AssertionError(line));
                assertEquals(cells[3], key.foreignDefault(), line);
                assertEquals(cells[2], key.origin(), line);
                count++;
            }
        }
        assertTrue(count > 500, "keys checked: " + count);
    }

    @Test
    void everyKeyStandsOnceForAMethod() {
        for (Method method : Method.values()) {
            List<String> names = table.of(method).stream().map(Key::name).toList();
            assertEquals(names.size(), Set.copyOf(names).size(), method + ": " + names);
        }
    }

    @Test
    void exactlyTheObeyedKeysAreInTheRecords() {
        for (var run :
                Map.of(
                                Method.SFT,
                                SftConfig.defaults(),
                                Method.DPO,
                                DpoConfig.defaults(),
                                Method.GRPO,
                                GrpoConfig.defaults(),
                                Method.REWARD,
                                RewardTrainerConfig.defaults(),
                                Method.PRM,
                                PrmConfig.defaults(),
                                Method.PPO,
                                PpoConfig.defaults(),
                                Method.BCO,
                                BcoConfig.defaults())
                        .entrySet()) {
            var obeyed = new TreeSet<String>();
            table.of(run.getKey()).stream()
                    .filter(k -> k.outcome() == Key.Outcome.OBEYED)
                    .map(Key::name)
                    .forEach(obeyed::add);
            obeyed.removeAll(REWRITTEN);
            var inRecords = new TreeSet<>(RecordBinder.keys(run.getValue()));
            assertEquals(obeyed, inRecords, run.getKey().toString());
        }
    }

    @Test
    void ourDefaultsAreTrls() throws IOException {
        var mapper = new ObjectMapper();
        int compared = 0;
        for (var run :
                Map.of(
                                Method.SFT,
                                SftConfig.defaults(),
                                Method.DPO,
                                DpoConfig.defaults(),
                                Method.GRPO,
                                GrpoConfig.defaults(),
                                Method.REWARD,
                                RewardTrainerConfig.defaults(),
                                Method.PRM,
                                PrmConfig.defaults(),
                                Method.PPO,
                                PpoConfig.defaults(),
                                Method.BCO,
                                BcoConfig.defaults())
                        .entrySet()) {
            for (var entry : ResolvedConfig.flat(run.getValue()).entrySet()) {
                Key key = table.find(run.getKey(), entry.getKey()).orElse(null);
                if (key == null
                        || OTHER_DEFAULT.contains(key.name())
                        || OTHER_DEFAULT_OF_METHOD
                                .getOrDefault(run.getKey(), Set.of())
                                .contains(key.name())) {
                    continue;
                }
                JsonNode theirs = mapper.readTree(key.foreignDefault());
                String ours = mapper.writeValueAsString(entry.getValue());
                assertTrue(
                        sameDefault(theirs, mapper.readTree(ours)),
                        key.name() + ": ours " + ours + ", TRL's " + theirs);
                compared++;
            }
        }
        assertTrue(compared > 100, "defaults compared: " + compared);
    }

    /// Nothing, an empty list and TRL's "none" and -1 all say that nothing was set.
    private static boolean sameDefault(JsonNode theirs, JsonNode ours) {
        if (theirs.isNumber() && ours.isNumber()) {
            return theirs.doubleValue() == ours.doubleValue();
        }
        boolean nothingTheirs =
                theirs.isNull()
                        || theirs.isEmpty() && theirs.isContainerNode()
                        || theirs.asText().equals("none")
                        || theirs.asText().equals("-1");
        boolean nothingOurs = ours.isNull() || ours.isContainerNode() && ours.isEmpty();
        return theirs.equals(ours) || nothingTheirs && nothingOurs;
    }

    @Test
    void refusedAndIneffectiveKeysSayWhy() {
        for (Key key : table.all()) {
            assertFalse(
                    key.outcome() != Key.Outcome.OBEYED && key.note().isBlank(), key.toString());
        }
    }

    @Test
    void keysPageListsTheTable() throws IOException {
        Path page = root().resolve("docs/keys.md");
        String expected = KeysPage.markdown(table);
        if (Boolean.getBoolean("attune.update")) {
            Files.createDirectories(page.getParent());
            Files.writeString(page, expected);
        }
        assertEquals(
                expected,
                Files.readString(page),
                "docs/keys.md is not what keys.tsv says; run this test with -Dattune.update=true");
    }

    private static Path root() {
        return Path.of(System.getProperty("attune.root", ".."));
    }

    private static List<String> trlKeys() throws IOException {
        try (var in = KeyTableTest.class.getResourceAsStream("trl-keys.tsv")) {
            String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            return Arrays.stream(text.split("\n"))
                    .filter(l -> !l.startsWith("#"))
                    .collect(Collectors.toList());
        }
    }
}
