package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.hub.HubDownload;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;

/// The chat template that was trained is the one that is used afterwards.
class TemplateInForceTest {
    private static final Path MODEL =
            Path.of(System.getProperty("attune.root", ".."), "examples", "model")
                    .toAbsolutePath()
                    .normalize();
    private static final String TEMPLATE =
            "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
                    + "{% if add_generation_prompt %}assistant: {% endif %}";

    @TempDir private Path folder;

    @Test
    void theAdaptersTemplateWinsOverTheModelsAndGoesWithIt() throws IOException {
        Path template = Files.writeString(folder.resolve("own.jinja"), TEMPLATE);
        Files.writeString(
                folder.resolve("rows.jsonl"),
                "{\"prompt\": [{\"role\": \"user\", \"content\": \"1\"}],"
                        + " \"completion\": [{\"role\": \"assistant\", \"content\": \"2\"}]}\n");
        train("first", "chat_template_path: " + template);
        assertEquals(TEMPLATE, Files.readString(folder.resolve("first/chat_template.jinja")));
        assertEquals(
                TEMPLATE,
                inForce(ModelConfig.of(MODEL.toString()).withAdapterNameOrPath(path("first"))));

        train("second", "adapter_name_or_path: " + path("first"));
        assertEquals(TEMPLATE, Files.readString(folder.resolve("second/chat_template.jinja")));

        attune(
                "merge",
                "--model",
                MODEL.toString(),
                "--adapter",
                path("second"),
                "--output",
                path("merged"));
        assertEquals(TEMPLATE, inForce(ModelConfig.of(path("merged"))));

        Path other = Files.writeString(folder.resolve("other.jinja"), "other");
        attune(
                "merge",
                "--model",
                MODEL.toString(),
                "--adapter",
                path("second"),
                "--chat-template",
                other.toString(),
                "--output",
                path("again"));
        assertEquals("other", inForce(ModelConfig.of(path("again"))));
    }

    @Test
    void promptsOfPlainTextGoThroughTheTemplateIfAsked() throws IOException {
        Files.writeString(
                folder.resolve("rows.jsonl"), "{\"prompt\": \"11\", \"completion\": \"22\"}\n");
        Path template = Files.writeString(folder.resolve("own.jinja"), TEMPLATE);
        Path run =
                Files.writeString(
                        folder.resolve("sft.yaml"),
                        "model_name_or_path: %s\ndatasets: %s\noutput_dir: %s\nchat_template_path: %s\n"
                                .formatted(MODEL, path("rows.jsonl"), path("out"), template));
        assertFalse(shown(run, "false").contains("user: "));
        assertTrue(shown(run, "true").contains("user: 11"));
    }

    private static String shown(Path run, String apply) {
        var out = new StringWriter();
        var err = new StringWriter();
        int code =
                Main.commandLine(new PrintWriter(out), new PrintWriter(err))
                        .execute(
                                "preview",
                                "--method",
                                "sft",
                                run.toString(),
                                "apply_chat_template=" + apply);
        assertEquals(0, code, err.toString());
        return out.toString();
    }

    private String path(String name) {
        return folder.resolve(name).toString();
    }

    private void train(String output, String key) throws IOException {
        Path run =
                Files.writeString(
                        folder.resolve(output + ".yaml"),
                        """
                        model_name_or_path: %s
                        datasets: %s
                        output_dir: %s
                        device: cpu
                        use_peft: true
                        lora_r: 2
                        learning_rate: 1e-4
                        max_steps: 1
                        %s
                        """
                                .formatted(MODEL, path("rows.jsonl"), path(output), key));
        attune("sft", run.toString());
    }

    private static void attune(String... arguments) {
        var err = new StringWriter();
        int code =
                Main.commandLine(new PrintWriter(new StringWriter()), new PrintWriter(err))
                        .execute(arguments);
        assertEquals(0, code, err.toString());
    }

    private static String inForce(ModelConfig config) {
        try (var model = ModelSetup.open(config, HubDownload.cache())) {
            return model.text().template().orElseThrow().source();
        }
    }
}
