package org.attune.cli.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.trainers.config.ResolvedConfig;
import org.attune.trainers.distillation.DistillationMethod;
import org.attune.trainers.distillation.GkdMethod;
import org.attune.trainers.grpo.GrpoMethod;
import org.attune.trainers.online.NashMdMethod;
import org.attune.trainers.online.OnlineDpoMethod;
import org.attune.trainers.online.XpoMethod;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.ppo.PpoMethod;
import org.attune.trainers.preference.DpoMethod;
import org.attune.trainers.referencefree.CpoMethod;
import org.attune.trainers.referencefree.OrpoMethod;
import org.attune.trainers.referencefree.TpoMethod;
import org.attune.trainers.run.Methods;
import org.attune.trainers.scoring.RewardMethod;
import org.attune.trainers.sft.SftMethod;
import org.attune.trainers.unpaired.BcoMethod;
import org.attune.trainers.unpaired.KtoMethod;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

class KeyTableTest {
    /// Keys that are rewritten before records are filled, and the environment.
    private static final Set<String> REWRITTEN =
            Set.of(
                    "bf16",
                    "add_tail_bucket",
                    "bnb_4bit_compute_dtype",
                    "teacher_top_k",
                    "bnb_4bit_quant_type",
                    "bnb_4bit_use_double_quant",
                    "load_in_4bit",
                    "load_in_8bit",
                    "use_bnb_nested_quant",
                    "use_cpu",
                    "dataset_name",
                    "dataset_config",
                    "dataset_train_split",
                    "dataset_test_split",
                    "resume_from_checkpoint",
                    "response_length",
                    "torch_dtype",
                    "evaluation_strategy",
                    "max_seq_length",
                    "group_by_length",
                    "no_cuda",
                    "deepspeed",
                    "deepspeed_config_file",
                    "fsdp",
                    "fsdp_config",
                    "config_file",
                    "model_init_kwargs",
                    "teacher_model_init_kwargs",
                    "env");

    /// Where our default is not TRL's; `docs/keys.md` lists them with the reason.
    private static final Set<String> OTHER_DEFAULT =
            Set.of(
                    "max_staleness", // there it is another trainer
                    "dtype",
                    "output_dir",
                    "model_name_or_path",
                    "stop_token",
                    "reward_model_path");

    private static final Map<TrainingMethod<?, ?>, Set<String>> OTHER_DEFAULT_OF_METHOD =
            Map.of(
                    new BcoMethod(),
                    Set.of("train_sampling_strategy"),
                    new GkdMethod(), // that of GKDTrainer, which samples from all tokens
                    Set.of("top_p"),
                    new GrpoMethod(),
                    Set.of("epsilon"));

    private final KeyTable table = KeyTable.load();
    @TempDir Path folder;

    @Test
    void everyKeyOfTrlIsKnownWithItsDefault() throws IOException {
        int count = 0;
        for (String line : trlKeys()) {
            String[] cells = line.split("\t");
            for (String name : cells[1].split(",")) {
                TrainingMethod<?, ?> method = Methods.named(name).orElseThrow();
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
        for (TrainingMethod<?, ?> method : Methods.all()) {
            List<String> names = table.of(method).stream().map(Key::name).toList();
            assertEquals(names.size(), Set.copyOf(names).size(), method + ": " + names);
        }
    }

    @Test
    void exactlyTheObeyedKeysAreInTheRecords() {
        for (TrainingMethod<?, ?> method : Methods.all()) {
            var obeyed = new TreeSet<String>();
            table.of(method).stream()
                    .filter(k -> k.outcome() == Key.Outcome.OBEYED)
                    .map(Key::name)
                    .forEach(obeyed::add);
            obeyed.removeAll(REWRITTEN);
            var inRecords = new TreeSet<>(RecordBinder.types(method.defaults()).keySet());
            assertEquals(obeyed, inRecords, method.toString());
        }
    }

    @Test
    void ourDefaultsAreTrls() throws IOException {
        var mapper = new ObjectMapper();
        int compared = 0;
        for (TrainingMethod<?, ?> method : Methods.all()) {
            for (var entry : ResolvedConfig.flat(method.defaults()).entrySet()) {
                Key key = table.find(method, entry.getKey()).orElse(null);
                if (key == null
                        || OTHER_DEFAULT.contains(key.name())
                        || OTHER_DEFAULT_OF_METHOD
                                .getOrDefault(method, Set.of())
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

    /// The configuration that every class of TRL has when nothing is set, written out, is a run.
    @Test
    void trlsDefaultsWrittenOutAreARun() throws IOException {
        for (TrainingMethod<?, ?> method :
                List.of(
                        new SftMethod(),
                        new DpoMethod(),
                        new GrpoMethod(),
                        new RewardMethod(),
                        new PpoMethod(),
                        new BcoMethod(),
                        new KtoMethod(),
                        new GkdMethod(),
                        new DistillationMethod(),
                        new OrpoMethod(),
                        new CpoMethod(),
                        new TpoMethod(),
                        new OnlineDpoMethod(),
                        new XpoMethod(),
                        new NashMdMethod())) {
            Map<String, String> defaults = defaultsOfTrl(method);
            assertRuns(method, defaults, Set.of());
            // What TRL's classes make of some, and transformers' to_dict() shows.
            assertRuns(
                    method,
                    written(defaults),
                    Set.of("_token", "activation_checkpointing", "disable_tqdm"));
        }
    }

    private static Map<String, String> written(Map<String, String> defaults) {
        Map<String, String> written = new TreeMap<>(defaults);
        written.putAll(
                Map.of(
                        "bf16",
                        "false",
                        "disable_tqdm",
                        "false",
                        "activation_checkpointing",
                        "true",
                        "report_to",
                        "[]",
                        "debug",
                        "[]",
                        "hub_token",
                        "<HUB_TOKEN>",
                        "pad_token",
                        "<PAD_TOKEN>",
                        "eos_token",
                        "<EOS_TOKEN>",
                        "generation_batch_size",
                        "8",
                        "accelerator_config",
                        "{split_batches: false, dispatch_batches: null, even_batches: true,"
                                + " use_seedable_sampler: true, non_blocking: false,"
                                + " gradient_accumulation_kwargs: null}"));
        written.keySet().retainAll(defaults.keySet());
        return written;
    }

    private static Map<String, String> defaultsOfTrl(TrainingMethod<?, ?> method)
            throws IOException {
        Map<String, String> defaults = new TreeMap<>();
        for (String line : trlKeys()) {
            String[] cells = line.split("\t");
            if (List.of(cells[1].split(",")).contains(method.name())) {
                defaults.put(cells[0], cells[3]);
            }
        }
        defaults.putAll(
                Map.of("model_name_or_path", "m", "dataset_name", "d", "output_dir", "out"));
        if (method.kind() == TrainingMethod.Kind.GENERATES) {
            defaults.put("reward_funcs", "gsm8k");
        }
        if (method.kind() == TrainingMethod.Kind.DISTILS) {
            defaults.put("teacher_model_name_or_path", "t");
        }
        return defaults;
    }

    private void assertRuns(
            TrainingMethod<?, ?> method, Map<String, String> values, Set<String> noted)
            throws IOException {
        Path file = folder.resolve("run.yaml");
        var text = new StringBuilder();
        values.forEach((key, value) -> text.append(key).append(": ").append(value).append('\n'));
        Files.writeString(file, text);
        var run = new RunConfigReader(table).read(method, method.defaults(), file, List.of());
        for (String note : run.notes()) {
            assertTrue(noted.stream().anyMatch(note::contains), method + ": " + note);
        }
    }

    @Test
    void refusedKeysAreAcceptedWhereTheyAskForNothing() {
        int checked = 0;
        for (Key key : table.all()) {
            if (key.outcome() != Key.Outcome.REFUSED) {
                continue;
            }
            for (String value :
                    List.of(
                            key.foreignDefault(),
                            "null",
                            "~",
                            "",
                            "None",
                            "none",
                            "'none'",
                            "false",
                            "False",
                            "no",
                            "off",
                            "[]",
                            "{}",
                            "[null]",
                            "{a: false}")) {
                YamlNode node = YamlText.parse("test", value, new Problems());
                assertTrue(AskedNothing.by(key, node), key.name() + ": " + value);
                checked++;
            }
            for (String value : List.of("true", "yes", "17", "something", "[a]", "{a: 1}")) {
                YamlNode node = YamlText.parse("test", value, new Problems());
                assertFalse(
                        AskedNothing.by(key, node) && !key.name().equals("accelerator_config"),
                        key.name() + ": " + value);
            }
        }
        assertTrue(checked > 500, "values checked: " + checked);
    }

    @Test
    void refusedAndIneffectiveKeysSayWhy() {
        for (Key key : table.all()) {
            assertFalse(
                    key.outcome() != Key.Outcome.OBEYED && key.note().isBlank(), key.toString());
        }
    }

    @Test
    void everyObeyedKeyStandsInOneGroup() {
        List<String> grouped = KeyGroup.all().stream().flatMap(g -> g.keys().stream()).toList();
        assertEquals(grouped.size(), Set.copyOf(grouped).size(), "a key twice in groups.tsv");
        var obeyed = new TreeSet<String>();
        table.all().stream()
                .filter(k -> k.outcome() == Key.Outcome.OBEYED)
                .forEach(k -> obeyed.add(k.name()));
        assertEquals(obeyed, new TreeSet<>(grouped), "groups.tsv");
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
