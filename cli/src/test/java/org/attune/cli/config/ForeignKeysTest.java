package org.attune.cli.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.preference.DpoMethod;
import org.attune.trainers.run.Methods;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.sft.SftMethod;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/// Files of other programs are answered with what to write here.
class ForeignKeysTest {
    private static final String LLAMA_FACTORY =
            """
            model_name_or_path: model
            stage: sft
            do_train: true
            finetuning_type: lora
            lora_rank: 4
            lora_target: q_proj, v_proj
            dataset: identity,alpaca_en_demo
            template: qwen
            cutoff_len: 2048
            overwrite_cache: true
            preprocessing_num_workers: 16
            output_dir: saves
            plot_loss: true
            val_size: 0.1
            eval_strategy: steps
            flash_attn: fa2
            learning_rate: 1.0e-4
            resize_vocab: false
            quantization_bit:
            """;

    private static final String AXOLOTL =
            """
            base_model: org/model
            strict: false
            load_in_8bit: false
            datasets: [{path: rows.jsonl}]
            dataset_prepared_path:
            val_set_size: 0.0
            output_dir: out
            adapter: qlora
            lora_model_dir:
            lora_target_linear: true
            sequence_len: 4096
            sample_packing: true
            micro_batch_size: 2
            num_epochs: 4
            optimizer: adamw_bnb_8bit
            lr_scheduler: cosine
            train_on_inputs: false
            bf16: auto
            flash_attention: true
            saves_per_epoch: 1
            """;

    @TempDir Path folder;

    private <C extends Record & RunConfig> LoadedRun<C> read(
            TrainingMethod<C, ?> method, String text) throws IOException {
        Path file = Files.writeString(folder.resolve("run.yaml"), text);
        return new RunConfigReader().read(method, file, List.of());
    }

    private String problems(TrainingMethod<?, ?> method, String text) {
        return assertThrows(ConfigException.class, () -> read(method, text)).getMessage();
    }

    /// The keys of a file that are known here, and what an answer says to write.
    private static String mended(String file, String answer) {
        String own =
                file.lines()
                        .filter(
                                line ->
                                        KeyTable.load()
                                                .find(new SftMethod(), line.split(":")[0])
                                                .isPresent())
                        .filter(line -> !answer.contains(": " + line + ";"))
                        .collect(Collectors.joining("\n"));
        String written = answer.substring(answer.indexOf("\nWhat "));
        return own + written.substring(written.indexOf("\n  ")).replace("\n  ", "\n") + "\n";
    }

    @Test
    void namesOfLlamaFactoryAreAnsweredAtOnce() throws IOException {
        String answer = problems(new SftMethod(), LLAMA_FACTORY);
        assertTrue(answer.startsWith("8 problems:"), answer);
        for (String part :
                List.of(
                        "run.yaml:2: stage: sft; a key of LLaMA-Factory; leave it out",
                        "run.yaml:9: cutoff_len: 2048; LLaMA-Factory's name of max_length; write"
                                + " max_length: 2048\n",
                        "\n  lora_target_modules: [q_proj, v_proj]\n",
                        "\n  datasets: [{path: data, name: identity}, {path: data, name:"
                                + " alpaca_en_demo}]\n")) {
            assertTrue(answer.contains(part), part + " in " + answer);
        }
        assertFalse(answer.contains("eval_strategy"), answer); // val_size is what it needs
        LoadedRun<SftConfig> run = read(new SftMethod(), mended(LLAMA_FACTORY, answer));
        SftConfig config = run.config();
        assertEquals(4, config.lora().loraR());
        assertEquals(8.0, config.lora().loraAlpha()); // twice lora_rank
        assertEquals(0.0, config.lora().loraDropout()); // LLaMA-Factory's default
        assertEquals(0.1, config.data().testSplitSize().orElseThrow());
        assertEquals(2048, config.length().maxLength().orElseThrow());
    }

    @Test
    void namesOfAxolotlAreAnsweredAtOnce() throws IOException {
        String answer = problems(new SftMethod(), AXOLOTL);
        for (String part :
                List.of(
                        "bf16: auto; Axolotl's value; write bf16: true\n",
                        "saves_per_epoch: 1; a key of Axolotl; use save_steps below 1",
                        "\n  model_name_or_path: org/model\n",
                        "\n  optim: adamw_8bit\n")) {
            assertTrue(answer.contains(part), part + " in " + answer);
        }
        for (String idle : List.of("strict", "flash_attention", "val_set_size", "lora_model_dir")) {
            assertFalse(answer.contains(idle), answer);
        }
        SftConfig config = read(new SftMethod(), mended(AXOLOTL, answer)).config();
        assertEquals(List.of("all-linear"), config.lora().loraTargetModules());
        assertEquals(4.0, config.training().schedule().numTrainEpochs());
    }

    private static final String ROWS =
            """
            base_model: m
            datasets:
              - path: org/rows
                type: chat_template
                split: train
                field_messages: conversations
                message_property_mappings: {role: from, content: value}
                roles_to_train: [assistant]
              - path: chats.jsonl
                ds_type: json
                type: chat_template
                field_messages: turns
                train_on_eos: all
              - path: texts
                type: completion
                field: body
              - path: pairs
                type: chatml.intel
              - path: own.jsonl
                type: {field_instruction: ask, field_output: reply, format: "{instruction}"}
            test_datasets:
              - {path: held.jsonl, ds_type: json, type: alpaca}
            output_dir: o
            """;

    @Test
    void entriesOfAxolotlAreOneAnswerEach() throws IOException {
        String answer = problems(new SftMethod(), ROWS);
        assertTrue(answer.startsWith("3 problems:"), answer);
        for (String part :
                List.of(
                        "run.yaml:2: datasets: entries in Axolotl's words; write datasets: [{path:"
                            + " org/rows, split: train}, {path: chats.jsonl, columns: {turns:"
                            + " messages}}, {path: texts, type: language_modeling, columns: {body:"
                            + " text}}, pairs, {path: own.jsonl, columns: {ask: instruction, reply:"
                            + " output}}]; not taken over: [1].train_on_eos: ",
                        "[3].type chatml.intel: rows are known by their columns",
                        "[4].format: the chat template says",
                        "run.yaml:21: eval_datasets: entries in Axolotl's words; write",
                        "\nWhat Axolotl's names mean",
                        "\n  eval_datasets: [{path: held.jsonl, type: alpaca}]")) {
            assertTrue(answer.contains(part), part + " in " + answer);
        }
        String written = answer.substring(answer.indexOf("\n  model_name_or_path"));
        SftConfig config =
                read(new SftMethod(), written.replace("\n  ", "\n") + "\noutput_dir: o\n").config();
        assertEquals(5, config.data().datasets().size());
        assertEquals(Map.of("turns", "messages"), config.data().datasets().get(1).columns());
    }

    @Test
    void aValueThatIsRefusedIsNotMissingToo() {
        String answer =
                problems(
                        new SftMethod(),
                        "model_name_or_path: m\noutput_dir: o\ndatasets: [{path: d, shrads: 2}]\n");
        assertTrue(answer.startsWith("1 problem:"), answer);
    }

    @Test
    void whatHasNoEffectIsNoted() throws IOException {
        LoadedRun<SftConfig> run =
                read(
                        new SftMethod(),
                        """
                        model_name_or_path: m
                        datasets: d
                        output_dir: o
                        plot_loss: true
                        overwrite_cache: false
                        """);
        assertEquals(
                List.of(
                        "run.yaml:4: plot_loss has no effect here: plots and metrics are always"
                                + " written"),
                run.notes());
    }

    @Test
    void secretsAreNotRepeated() {
        String message = problems(new SftMethod(), "hf_hub_token: hf_secret\n");
        assertTrue(message.contains("hf_hub_token: …; a key of LLaMA-Factory; use"), message);
        assertFalse(message.contains("hf_secret"), message);
    }

    @Test
    void keysOfOtherMethodsAndOtherMeaningsAreNotOffered() {
        String sft = problems(new SftMethod(), "pref_beta: 0.1\n");
        assertTrue(sft.contains("LLaMA-Factory's name of beta, a key of dpo and"), sft);
        assertFalse(sft.contains("write beta"), sft);
        String dpo = problems(new DpoMethod(), "pref_loss: orpo\n");
        assertTrue(dpo.contains("orpo is a method, attune orpo"), dpo);
        for (String other :
                List.of("top_n", "lora_depth", "eval_rows", "decay2", "max_words", "warm_start")) {
            String message = problems(new SftMethod(), other + ": 1\n");
            assertTrue(message.contains(other + ": 1; unknown key; attune keys"), message);
        }
    }

    /// Each name means a key that a method obeys, and none hides a key of ours.
    @Test
    void everyNameMeansAKeyOfOurs() {
        KeyTable table = KeyTable.load();
        List<ForeignKey> rows = ForeignKey.load();
        for (ForeignKey row : rows) {
            String key = row.isDefault() ? row.name() : row.key().orElse(null);
            assertTrue(key == null || isObeyed(table, key), row.toString());
            assertTrue(
                    row.isDefault() || !isObeyed(table, row.name()) || !row.values().isEmpty(),
                    row + " is a key of ours");
            assertTrue(row.key().isPresent() || row.isDefault() || !row.note().isBlank());
        }
        assertTrue(rows.size() > 200, "names: " + rows.size());
    }

    private static boolean isObeyed(KeyTable table, String key) {
        return Methods.all().stream()
                .flatMap(method -> table.find(method, key).stream())
                .anyMatch(found -> found.outcome() == Key.Outcome.OBEYED);
    }
}
