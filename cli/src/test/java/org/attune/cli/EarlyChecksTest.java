package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/// What configuration and model alone tell is told before rows are read.
class EarlyChecksTest {
    private static final Path MODEL =
            Path.of(System.getProperty("attune.root", "..")).resolve("examples/model");

    @TempDir Path folder;

    private final StringWriter err = new StringWriter();

    private int run(String method, String yaml) throws IOException {
        return run(method, MODEL, yaml);
    }

    private int run(String method, Path model, String yaml) throws IOException {
        err.getBuffer().setLength(0);
        // Reading these rows fails, so whatever else is told was told before.
        Path rows = Files.writeString(folder.resolve("rows.jsonl"), "{\"nothing\": 1}\n");
        Path file =
                Files.writeString(
                        folder.resolve("run.yaml"),
                        "model_name_or_path: %s\ndatasets: %s\noutput_dir: %s\n%s"
                                .formatted(
                                        model.toAbsolutePath(), rows, folder.resolve("out"), yaml));
        return Main.commandLine(new PrintWriter(err), new PrintWriter(err), method)
                .execute(method, file.toString());
    }

    private void refuses(String method, String yaml, String told) throws IOException {
        assertEquals(2, run(method, yaml), err::toString);
        assertTrue(err.toString().contains(told), err.toString());
        assertFalse(err.toString().contains("rows.jsonl"), err.toString());
    }

    @Test
    void modulesThatTheModelHasNotAreToldWithTheirLine() throws IOException {
        for (String method :
                new String[] {"sft", "dpo", "orpo", "cpo", "tpo", "bco", "kto", "reward", "prm"}) {
            refuses(
                    method,
                    "use_peft: true\nlora_target_modules: [c_attn, c_proj]\n",
                    "run.yaml:5: lora_target_modules: ");
            refuses(
                    method,
                    "use_peft: true\nlora_modules_to_save: [wte]\n",
                    "run.yaml:5: lora_modules_to_save: \"wte\" is no module");
        }
        for (String method : new String[] {"grpo", "rloo", "ppo"}) {
            refuses(
                    method,
                    "reward_funcs: gsm8k\nuse_peft: true\nlora_target_modules: c_attn\n",
                    "run.yaml:6: lora_target_modules: ");
        }
        refuses(
                "sft",
                "use_peft: true\nlora_rank_pattern: {c_attn: 4}\n",
                "run.yaml:5: lora_rank_pattern: \"c_attn\" matches no module");
    }

    @Test
    void weightsToTrainAreChosenWithoutAnAdapter() throws IOException {
        refuses(
                "sft",
                "use_peft: true\nunfrozen_parameters: [model.norm]\n",
                "run.yaml:5: unfrozen_parameters: [model.norm]; accepted: none with use_peft");
        refuses(
                "sft",
                "unfrozen_parameters: ['model.embed_tokens.weight[:320]']\n",
                "run.yaml:4: unfrozen_parameters: model.embed_tokens.weight[:320]; accepted:"
                        + " whole");
        refuses("sft", "unfrozen_parameters: ['model.(']\n", "accepted: regular expressions (");
        refuses("sft", "spectrum_top_fraction: 0\n", "run.yaml:4: spectrum_top_fraction: 0");
    }

    @Test
    void blocksTakeTurnsWithoutWhatNeedsAll() throws IOException {
        String lisa = "lisa_n_layers: 2\n";
        refuses(
                "sft",
                "use_peft: true\n" + lisa,
                "run.yaml:5: lisa_n_layers: 2; accepted: none with use_peft");
        refuses("sft", "lisa_n_layers: 0\n", "run.yaml:4: lisa_n_layers: 0");
        refuses("sft", "lisa_n_layers: 99\n", "lisa_n_layers: 99; accepted: 1 to ");
        refuses(
                "dpo",
                "lisa_step_interval: 5\n",
                "run.yaml:4: lisa_step_interval: 5; accepted: 20 without lisa_n_layers");
        refuses(
                "sft",
                lisa + "unfrozen_parameters: [model.norm]\n",
                "lisa_n_layers: 2; accepted: none with unfrozen_parameters");
        refuses("sft", lisa + "optim: muon\n", "run.yaml:5: optim: muon; accepted: an optim that");
        refuses("kto", lisa + "optim: adamw_8bit\n", "run.yaml:5: optim: adamw_8bit; accepted");
        refuses(
                "sft",
                lisa + "optimizer_in_bwd: true\nmax_grad_norm: 0\n",
                "run.yaml:5: optimizer_in_bwd: true; accepted: false with lisa_n_layers");
        refuses("orpo", lisa + "zero_stage: 1\n", "run.yaml:5: zero_stage: 1; accepted: 0 with");
        refuses("sft", lisa + "bema: true\n", "run.yaml:5: bema: true; accepted: false with");
        refuses(
                "dpo",
                lisa + "sync_ref_model: true\n",
                "run.yaml:4: lisa_n_layers: 2; accepted: none with sync_ref_model");
        refuses(
                "ppo",
                "reward_funcs: gsm8k\n" + lisa,
                "run.yaml:5: lisa_n_layers: 2; accepted: none in PPO");
        refuses("sft", lisa + "load_in_8bit: true\n", "use_peft");
        refuses("sft", lisa + "lisa_layers_attribute: model.layers\n", "leave it out: blocks are");
    }

    @Test
    void keysOfOtherKindsOfAdaptersAreToldWithTheirLine() throws IOException {
        refuses(
                "sft",
                "use_peft: true\nfeedforward_modules: [down_proj]\n",
                "run.yaml:5: feedforward_modules: [down_proj]; accepted with peft_type: ia3 only");
        refuses(
                "sft",
                "use_peft: true\npeft_type: IA3\nuse_dora: true\n",
                "run.yaml:6: use_dora: true; accepted with peft_type: lora only");
        refuses(
                "sft",
                "use_peft: true\nuse_dora: true\nlora_target_modules: [lm_head]\n",
                "run.yaml:6: lora_target_modules: lm_head can have a LoRA adapter, but neither");
        refuses(
                "sft",
                "use_peft: true\npeft_kwargs: {decompose_factor: 8}\n",
                "run.yaml:5: peft_kwargs: \"decompose_factor\" is no field of LORA; there are"
                        + " [bias,");
        refuses(
                "sft",
                "use_peft: true\npeft_type: ia3\npeft_kwargs: {bias: all}\n",
                "run.yaml:6: peft_kwargs: {bias=all}; accepted with all other kinds of peft_type");
        refuses(
                "sft",
                "use_peft: true\npeft_kwargs: {bias: some}\n",
                "run.yaml:5: peft_kwargs: peft_type: lora: \"bias\" is \"some\"; accepted:"
                        + " \"none\"");
        refuses(
                "sft",
                "use_peft: true\npeft_kwargs: {trainable_token_indices: [100000000]}\n",
                "run.yaml:5: peft_kwargs: trainable_token_indices has 100000000; accepted: ids");
        refuses(
                "sft",
                "use_peft: true\npeft_type: lokr\npeft_kwargs: {decompose_faktor: 8}\n",
                "\"decompose_faktor\" is no field of LOKR");
        refuses(
                "sft",
                "use_peft: true\npeft_type: loha\npeft_kwargs: {module_dropout: 0.1}\n",
                "run.yaml:6: peft_kwargs: module_dropout is 0.1; training accepts 0");
    }

    @Test
    void expertsAreBalancedWhereThereAreSome() throws IOException {
        Path model = Files.createDirectory(folder.resolve("experts"));
        try (Stream<Path> files = Files.list(MODEL)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Files.copy(file, model.resolve(file.getFileName()));
            }
        }
        refuses("sft", "router_aux_loss_coef: 0.01\n", "has no loss that balances experts");
        refuses("reward", "router_aux_loss_coef: 0.01\n", "models that score have no such loss");
        String config = Files.readString(model.resolve("config.json"));
        Files.writeString(
                model.resolve("config.json"),
                config.replace("\"llama\"", "\"mixtral\"")
                        .replaceFirst("\\{", "{\"output_router_logits\": true,"));
        assertEquals(1, run("reward", model, ""), err::toString);
        assertTrue(err.toString().contains("output_router_logits is true"), err.toString());
        assertFalse(err.toString().contains("rows.jsonl"), err.toString());
    }

    @Test
    void tokensThatTheModelHasNotAreToldWithTheirLine() throws IOException {
        refuses("sft", "eos_token: <|nope|>\n", "run.yaml:4: eos_token: <|nope|> is no token");
    }
}
