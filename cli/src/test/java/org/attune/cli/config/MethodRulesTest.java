package org.attune.cli.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.formats.DatasetType;
import org.attune.error.ConfigException;
import org.attune.trainers.grpo.GrpoMethod;
import org.attune.trainers.heads.ClassifyMethod;
import org.attune.trainers.opening.RowSetup;
import org.attune.trainers.ppo.PpoMethod;
import org.attune.trainers.preference.DpoMethod;
import org.attune.trainers.referencefree.CpoMethod;
import org.attune.trainers.referencefree.TpoMethod;
import org.attune.trainers.scoring.PrmMethod;
import org.attune.trainers.scoring.RewardMethod;
import org.attune.trainers.sft.SftMethod;
import org.attune.trainers.unpaired.BcoMethod;
import org.attune.trainers.unpaired.KtoMethod;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

class MethodRulesTest {
    private static final Path ROOT = Path.of(System.getProperty("attune.root", ".."));

    private final RunConfigReader reader = new RunConfigReader();

    @TempDir Path folder;

    private MethodChoice choice(String name, String text, DatasetType rows) throws IOException {
        return reader.methodOf(
                Files.writeString(folder.resolve(name), text), List.of(), (_, _, _) -> rows);
    }

    @Test
    void methodIsThatOfTheKeys() throws IOException {
        assertEquals(
                new MethodChoice("dpo.yaml", new SftMethod(), "its keys", true),
                choice("dpo.yaml", "row_weight_column: sure\n", DatasetType.PREFERENCE));
        assertEquals(new CpoMethod(), choice("run.yaml", "simpo_gamma: 0.5\n", null).method());
        assertEquals(
                new RewardMethod(),
                choice("run.yaml", "center_rewards_coefficient: 0.01\n", null).method());
        assertEquals(new PpoMethod(), choice("grpo.yaml", "kl_coef: 0.1\n", null).method());
    }

    @Test
    void rowsChooseAmongMethodsThatTheKeysLeave() throws IOException {
        String text = "datasets: rows.jsonl\nuse_peft: true\nno_such_key: 2\n";
        for (var expected :
                Map.of(
                                DatasetType.PREFERENCE,
                                new DpoMethod(),
                                DatasetType.TRIPLE_PREFERENCE,
                                new TpoMethod(),
                                DatasetType.UNPAIRED_PREFERENCE,
                                new BcoMethod(),
                                DatasetType.PROMPT_COMPLETION,
                                new SftMethod(),
                                DatasetType.LANGUAGE_MODELING,
                                new SftMethod(),
                                DatasetType.STEPWISE_SUPERVISION,
                                new PrmMethod(),
                                DatasetType.PROMPT_ONLY,
                                new GrpoMethod())
                        .entrySet()) {
            assertEquals(expected.getValue(), choice("run.yaml", text, expected.getKey()).method());
        }
        assertFalse(choice("run.yaml", text, DatasetType.PREFERENCE).certain());
        // a third answer that nothing reads
        assertEquals(
                new DpoMethod(),
                choice("dpo.yaml", "ld_alpha: 0.5\n" + text, DatasetType.TRIPLE_PREFERENCE)
                        .method());
        assertTrue(choice("run.yaml", text, DatasetType.STEPWISE_SUPERVISION).certain());
        String beta = "datasets: rows.jsonl\nbeta: 0.1\n";
        assertEquals(
                new BcoMethod(), choice("r.yaml", beta, DatasetType.UNPAIRED_PREFERENCE).method());
    }

    @Test
    void nameOnlyChoosesAmongMethodsThatFit() throws IOException {
        String text = "datasets: rows.jsonl\n";
        assertEquals(
                new RewardMethod(),
                choice("my-reward.yaml", text, DatasetType.PREFERENCE).method());
        assertEquals(new DpoMethod(), choice("sft.yaml", text, DatasetType.PREFERENCE).method());
        assertEquals(
                new DpoMethod(), choice("rewards.yaml", text, DatasetType.PREFERENCE).method());
    }

    @Test
    void asksWhereNothingSays() throws IOException {
        String keys = "datasets: d.jsonl\nreference: model\nbeta: 1\n";
        String contradiction =
                assertThrows(
                                ConfigException.class,
                                () -> choice("run.yaml", keys, DatasetType.LANGUAGE_MODELING))
                        .getMessage();
        assertTrue(contradiction.contains("--method"), contradiction);
        Path absent = Files.writeString(folder.resolve("a.yaml"), "datasets: none.jsonl\n");
        String unreadable =
                assertThrows(
                                ConfigException.class,
                                () -> reader.methodOf(absent, List.of(), RowSetup::typeOf))
                        .getMessage();
        assertTrue(unreadable.contains("none.jsonl"), unreadable);
        assertTrue(unreadable.contains("--method"), unreadable);
    }

    /// All that is wrong is then reported at once, by the reader of the file.
    @Test
    void withoutDataAnyMethodWillDo() throws IOException {
        MethodChoice choice = choice("run.yaml", "seed: x\n", DatasetType.PREFERENCE);
        assertFalse(choice.certain());
        assertEquals(new SftMethod(), choice.method());
    }

    @Test
    void aNewFileAndAllRecipesAreRecognised() throws IOException {
        var values = List.of("model_name_or_path=m", "datasets=pairs.jsonl", "output_dir=out");
        String written = new InitialFile(new DpoMethod(), values).text(false);
        assertEquals(new DpoMethod(), choice("run.yaml", written, DatasetType.PREFERENCE).method());
        Path recipes = ROOT.resolve("examples/recipes");
        for (var expected :
                Map.of(
                                "sft", List.of(new SftMethod(), DatasetType.PROMPT_COMPLETION),
                                "dpo", List.of(new DpoMethod(), DatasetType.PREFERENCE),
                                "simpo", List.of(new CpoMethod(), DatasetType.PREFERENCE),
                                "tpo", List.of(new TpoMethod(), DatasetType.TRIPLE_PREFERENCE),
                                "bco", List.of(new BcoMethod(), DatasetType.UNPAIRED_PREFERENCE),
                                "kto", List.of(new KtoMethod(), DatasetType.UNPAIRED_PREFERENCE),
                                "reward", List.of(new RewardMethod(), DatasetType.PREFERENCE),
                                "prm", List.of(new PrmMethod(), DatasetType.STEPWISE_SUPERVISION),
                                "rlhf", List.of(new PpoMethod(), DatasetType.PREFERENCE))
                        .entrySet()) {
            String text =
                    Files.readString(recipes.resolve("smollm2-" + expected.getKey() + ".yaml"));
            var type = (DatasetType) expected.getValue().get(1);
            assertEquals(expected.getValue().getFirst(), choice("run.yaml", text, type).method());
        }
    }

    /// Rows with text and label suit two methods: by themselves they are a classifier's, which
    /// reads both columns, and other methods that are named find what they read.
    @Test
    void rowsThatSuitTwoMethodsAreThoseOfTheOneAskedFor() throws IOException {
        Path data =
                Files.writeString(
                        folder.resolve("rows.jsonl"), "{\"text\": \"good\", \"label\": \"a\"}\n");
        List<String> words = List.of("datasets=" + data);
        assertEquals(
                Optional.of(DatasetType.CLASSIFICATION),
                reader.rowsFor(new ClassifyMethod(), words, RowSetup::typeOf));
        assertEquals(
                Optional.of(DatasetType.LANGUAGE_MODELING),
                reader.rowsFor(new SftMethod(), words, RowSetup::typeOf));
        assertEquals(
                new ClassifyMethod(),
                reader.methodOf(Path.of(""), words, RowSetup::typeOf).method());
        String refused =
                assertThrows(
                                ConfigException.class,
                                () -> reader.rowsFor(new DpoMethod(), words, RowSetup::typeOf))
                        .getMessage();
        assertTrue(refused.contains("type classification"), refused);
    }

    @Test
    void firstRowsOfTheQuickstartSayWhatTheyAre() throws IOException {
        for (String name : List.of("dpo", "grpo", "ppo")) {
            Path file = ROOT.resolve("examples/quickstart/" + name + ".yaml");
            assertEquals(name, reader.methodOf(file, List.of(), RowSetup::typeOf).method().name());
        }
        Files.copy(ROOT.resolve("examples/quickstart/pairs.jsonl"), folder.resolve("rows.jsonl"));
        Path file = Files.writeString(folder.resolve("run.yaml"), "datasets: rows.jsonl\n");
        assertEquals(new DpoMethod(), reader.methodOf(file, List.of(), RowSetup::typeOf).method());
    }
}
