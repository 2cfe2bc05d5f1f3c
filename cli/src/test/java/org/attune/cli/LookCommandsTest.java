package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.json.Json;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

import javax.imageio.ImageIO;

/// Commands that use a model with pictures.
class LookCommandsTest {
    private static final Path EXAMPLES =
            Path.of(System.getProperty("attune.root", ".."), "examples");
    private static final String MODEL = EXAMPLES.resolve("look").toString();
    private static final String PICTURE = EXAMPLES.resolve("quickstart/look.png").toString();

    private static final String QUESTION = "Which digits?";

    @TempDir Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String command, String... further) {
        List<String> args = new ArrayList<>(List.of(command));
        if (!List.of(further).contains("--model")) {
            args.addAll(List.of("--model", MODEL));
        }
        args.addAll(List.of("--temperature", "0"));
        if (!List.of(further).contains("--dtype")) {
            args.addAll(List.of("--dtype", "float32"));
        }
        args.addAll(List.of("--max-new-tokens", "12"));
        args.addAll(Arrays.asList(further));
        String[] all = args.toArray(String[]::new);
        return Main.commandLine(new PrintWriter(out), new PrintWriter(err), all).execute(all);
    }

    private String said(String... further) {
        out.getBuffer().setLength(0);
        assertEquals(0, run("generate", further), err.toString());
        return out.toString().strip();
    }

    @Test
    void generateReadsThePictureThatIsGiven() throws IOException {
        String said = said("--image", PICTURE, QUESTION);
        assertTrue(said.matches("\\d \\d \\d \\d"), said);
        byte[] png = Files.readAllBytes(Path.of(PICTURE));
        Path lying = Files.write(folder.resolve("lying.png"), turned(png));
        assertNotEquals(said, said("--image", lying.toString(), QUESTION));
    }

    /// Another picture: it lies on its side.
    private static byte[] turned(byte[] png) throws IOException {
        BufferedImage image = ImageIO.read(new ByteArrayInputStream(png));
        var lying = new BufferedImage(image.getHeight(), image.getWidth(), 1);
        for (int y = 0; y < image.getHeight(); y++) {
            for (int x = 0; x < image.getWidth(); x++) {
                lying.setRGB(image.getHeight() - 1 - y, x, image.getRGB(x, y));
            }
        }
        var bytes = new ByteArrayOutputStream();
        ImageIO.write(lying, "png", bytes);
        return bytes.toByteArray();
    }

    /// The dtype of the model's file, in which products read packed copies where a processor has
    /// the instructions.
    @Test
    void generateReadsAPictureInTheModelsOwnDtype() {
        String said = said("--dtype", "bfloat16", "--image", PICTURE, QUESTION);
        assertTrue(said.matches("\\d \\d \\d \\d"), said);
    }

    @Test
    void rowsOfAFileNameTheirPictures() throws IOException {
        Path rows = folder.resolve("rows.jsonl");
        Files.copy(Path.of(PICTURE), folder.resolve("a.png"));
        Files.writeString(
                rows,
                "{\"image\":\"a.png\",\"prompt\":[{\"role\":\"user\",\"content\":\"Which"
                        + " digits?\"}]}\n");
        Path answers = folder.resolve("answers.jsonl");
        assertEquals(
                0,
                run("generate", "--prompts", rows.toString(), "--out", answers.toString()),
                err.toString());
        String completion = Json.tree(Files.readString(answers)).path("completion").asText();
        assertEquals(said("--image", PICTURE, QUESTION), completion);
    }

    @Test
    void evalAsksRowsWithPictures() throws IOException {
        Path rows = folder.resolve("rows.jsonl");
        Files.write(
                rows,
                Files.readAllLines(EXAMPLES.resolve("quickstart/look-heldout.jsonl"))
                        .subList(0, 20));
        Path result = folder.resolve("result.jsonl");
        assertEquals(
                0,
                run(
                        "eval",
                        "--data",
                        rows.toString(),
                        "--verifier",
                        "exact",
                        "--out",
                        result.toString()),
                err.toString());
        List<String> lines = Files.readAllLines(result);
        assertEquals(20, lines.size());
        for (String line : lines) {
            String completion = Json.tree(line).at("/completions/0").asText();
            assertTrue(completion.matches("\\d \\d \\d \\d"), line);
        }
    }

    @Test
    void aChatShowsAPictureWithTheNextMessage() throws IOException {
        Path saved = folder.resolve("saved.jsonl");
        String typed =
                "/image %s\nWhich digits?\n/save %s\n/image %s\n/quit\n"
                        .formatted(PICTURE, saved, folder.resolve("none.png"));
        String talk = talk(typed);
        assertTrue(talk.contains("goes with the next message"), talk);
        assertTrue(talk.contains(said("--image", PICTURE, QUESTION)), talk);
        assertTrue(talk.contains("there is no picture"), talk);
        JsonNode row = Json.tree(Files.readString(saved));
        assertEquals("image", row.at("/messages/0/content/0/type").asText());
        assertTrue(Files.exists(Path.of(row.at("/images/0").asText())), row.toString());
    }

    @Test
    void aPictureStaysForTheNextMessageIfOneFails() {
        String answer = said("--image", PICTURE, QUESTION);
        out.getBuffer().setLength(0);
        String tooLong = "Which digits? ".repeat(20);
        String talk = talk("/image %s\n%s\n%s\n".formatted(PICTURE, tooLong, QUESTION));
        assertTrue(talk.contains("there is room for 256"), talk);
        assertTrue(talk.contains("> " + answer + "\n"), talk);
    }

    private String talk(String typed, String... further) {
        InputStream before = System.in;
        try {
            System.setIn(new ByteArrayInputStream(typed.getBytes(StandardCharsets.UTF_8)));
            assertEquals(0, run("chat", further), err.toString());
        } finally {
            System.setIn(before);
        }
        return out.toString();
    }

    @Test
    void aPictureThatCannotBeAnsweredIsAnErrorAlone() throws IOException {
        Path broken = Files.writeString(folder.resolve("broken.png"), "hello");
        assertEquals(1, run("generate", "--image", broken.toString(), QUESTION));
        assertEquals("", out.toString());
        assertTrue(err.toString().contains("broken.png: no picture"), err.toString());
        String text = EXAMPLES.resolve("model").toString();
        assertEquals(1, run("generate", "--model", text, "--image", PICTURE, QUESTION));
        assertTrue(err.toString().contains("nothing here sees them"), err.toString());
    }

    /// `image_cache_dir`: other runs and resumed ones read what a run kept, and learn the same.
    @Test
    void featuresInFilesServeOtherRunsAndResumedOnes() throws IOException {
        byte[] plain = trained("plain", "max_steps=4");
        String kept = "image_cache_dir=" + folder.resolve("features");
        assertArrayEquals(plain, trained("writes", "max_steps=4", kept));
        assertArrayEquals(plain, trained("reads", "max_steps=4", kept));
        trained("resumed", "max_steps=2", "save_steps=2", kept);
        assertArrayEquals(
                plain, trained("resumed", "max_steps=4", "resume_from_checkpoint=true", kept));
        List<Path> files;
        try (Stream<Path> all = Files.list(folder.resolve("features"))) {
            files = all.toList();
        }
        assertEquals(8, files.size(), "a file for each picture");
        for (Path file : files) { // now every picture is the first one
            Files.copy(files.getFirst(), file, StandardCopyOption.REPLACE_EXISTING);
        }
        assertFalse(Arrays.equals(plain, trained("misled", "max_steps=4", kept)));
    }

    /// The adapter that a run leaves.
    private byte[] trained(String name, String... words) throws IOException {
        Path rows = folder.resolve("rows.jsonl");
        Files.write(rows, RankedMethods.pictures().subList(0, 8));
        List<String> args = new ArrayList<>(List.of("model_name_or_path=" + MODEL));
        args.addAll(List.of("use_peft=true", "lora_target_modules=.*text_model.*_proj"));
        args.addAll(Arrays.asList(words));
        Path output = trained("sft", rows, name, args);
        return Files.readAllBytes(output.resolve("adapter_model.safetensors"));
    }

    /// The folder that a run writes.
    private Path trained(String method, Path rows, String name, List<String> words) {
        Path output = folder.resolve(name);
        List<String> args = new ArrayList<>(List.of(method));
        args.addAll(List.of("datasets=" + rows, "output_dir=" + output, "report_to=none"));
        args.addAll(List.of("dtype=float32", "seed=1", "lr_scheduler_type=constant"));
        args.addAll(List.of("per_device_train_batch_size=4", "learning_rate=1e-3"));
        args.addAll(words);
        String[] all = args.toArray(String[]::new);
        var line = Main.commandLine(new PrintWriter(out), new PrintWriter(err), all);
        assertEquals(0, line.execute(all), err.toString());
        return output;
    }

    /// Whole, and as an adapter on the policy's base.
    @Test
    @Tag("thorough")
    void aRewardModelThatSeesJudgesAnswersAboutPictures() throws IOException {
        Path pairs = folder.resolve("pairs.jsonl");
        Path prompts = folder.resolve("prompts.jsonl");
        List<String> asked =
                Files.readAllLines(EXAMPLES.resolve("quickstart/look-prompts-heldout.jsonl"))
                        .subList(0, 4);
        Files.write(prompts, asked);
        Files.write(pairs, pairs(asked));
        String model = "model_name_or_path=" + MODEL;
        String steps = "max_steps=1";
        Path whole = trained("reward", pairs, "whole", List.of(model, steps, "use_peft=false"));
        JsonNode config = Json.tree(Files.readString(whole.resolve("config.json")));
        assertEquals("Idefics3ForSequenceClassification", config.at("/architectures/0").asText());
        assertEquals(1, config.path("id2label").size());
        String targets = "lora_target_modules=all-linear";
        Path adapter =
                trained(
                        "reward",
                        pairs,
                        "adapter",
                        List.of(model, steps, "use_peft=true", targets));
        trained("reward", pairs, "again", List.of("model_name_or_path=" + whole, steps));
        for (Path judge : List.of(whole, adapter)) {
            judges(judge, prompts, "use_peft=true", "lora_target_modules=.*text_model.*_proj");
        }
    }

    /// A step of GRPO whose completions a model judges.
    private void judges(Path judge, Path prompts, String... further) {
        out.getBuffer().setLength(0);
        List<String> words = new ArrayList<>(List.of(further));
        words.addAll(List.of("model_name_or_path=" + MODEL, "max_steps=1", "num_generations=2"));
        words.addAll(List.of("max_completion_length=4", "reward_funcs=" + judge));
        trained("grpo", prompts, "grpo-" + judge.getFileName(), words);
        assertTrue(out.toString().contains("reward "), out.toString());
    }

    /// Heads that judge a text, or its steps, with the commands that measure and use them.
    @Test
    @Tag("thorough")
    void textsAndStepsAboutPicturesAreJudged() throws IOException {
        List<String> asked =
                Files.readAllLines(EXAMPLES.resolve("quickstart/look-prompts-heldout.jsonl"))
                        .subList(0, 4);
        List<String> labelled = new ArrayList<>();
        List<String> judged = new ArrayList<>();
        for (String row : asked) {
            var label = (ObjectNode) Json.tree(row);
            label.put("label", label.remove("answer").asText().charAt(0) < '5' ? "low" : "high");
            labelled.add(label.toString());
            var steps = (ObjectNode) Json.tree(row);
            steps.putArray("completions").add(steps.remove("answer").asText()).add("0 0");
            steps.putArray("labels").add(true).add(false);
            judged.add(steps.toString());
        }
        Path texts = Files.write(folder.resolve("texts.jsonl"), labelled);
        Path solutions = Files.write(folder.resolve("solutions.jsonl"), judged);
        String model = "model_name_or_path=" + MODEL;
        List<String> whole = List.of(model, "max_steps=1", "use_peft=false");
        Path classifier = trained("classify", texts, "classifier", whole);
        String[] measure = {"eval", "--model", classifier.toString(), "--data", texts.toString()};
        var line = Main.commandLine(new PrintWriter(out), new PrintWriter(err), measure);
        assertEquals(0, line.execute(measure), err.toString());
        assertTrue(out.toString().contains("accuracy"), out.toString());
        String[] written = Arrays.copyOf(measure, measure.length + 1);
        written[measure.length] = "--out=" + folder.resolve("rows.jsonl");
        assertEquals(2, line.execute(written), "metrics are all there is");
        assertTrue(err.toString().contains("--out is for models that write"), err.toString());
        Path judge = trained("prm", solutions, "judge", whole);
        Path prompts = Files.write(folder.resolve("prompts.jsonl"), asked);
        judges(judge, prompts);
    }

    /// Of equal completions with equal rewards a critic learns something else where pictures do.
    @Test
    @Tag("thorough")
    void criticsOfPpoReadPictures() throws IOException {
        List<String> asked =
                Files.readAllLines(EXAMPLES.resolve("quickstart/look-prompts-heldout.jsonl"))
                        .subList(0, 2);
        Path prompts = Files.write(folder.resolve("prompts.jsonl"), asked);
        Path file = folder.resolve("rounds.jsonl");
        String recording = "record_rollouts=" + file;
        byte[] first = critic("first", prompts, recording, "reward_funcs=exact_answer");
        String image = "262"; // in place of the pictures' own ids
        Files.writeString(file, Files.readString(file).replaceAll("-\\d{5,}\\b", image));
        assertArrayEquals(first, critic("again", prompts, "recorded_rollouts=" + file));
        var one = (ObjectNode) Json.tree(asked.get(0));
        var two = (ObjectNode) Json.tree(asked.get(1));
        JsonNode shown = one.replace("image", two.get("image"));
        two.set("image", shown);
        Files.write(prompts, List.of(one.toString(), two.toString()));
        byte[] exchanged = critic("exchanged", prompts, "recorded_rollouts=" + file);
        assertFalse(Arrays.equals(first, exchanged));
    }

    private byte[] critic(String name, Path prompts, String... further) throws IOException {
        List<String> words = new ArrayList<>(Arrays.asList(further));
        words.addAll(
                List.of(
                        "model_name_or_path=" + MODEL,
                        "use_peft=true",
                        "lora_target_modules=.*text_model.*_proj",
                        "value_model=lora",
                        "total_episodes=2",
                        "per_device_train_batch_size=2",
                        "gradient_accumulation_steps=1",
                        "num_mini_batches=1",
                        "max_completion_length=4"));
        Path critic = trained("ppo", prompts, name, words).resolve("value_model");
        return Files.readAllBytes(critic.resolve("adapter_model.safetensors"));
    }

    /// As PEFT's `exclude_modules`.
    @Test
    void whatIsExcludedGetsNoAdapter() throws IOException {
        List<String> asked =
                Files.readAllLines(EXAMPLES.resolve("quickstart/look-prompts-heldout.jsonl"))
                        .subList(0, 2);
        List<String> labelled = new ArrayList<>();
        for (String row : asked) {
            var label = (ObjectNode) Json.tree(row);
            say(label, "completion", label.remove("answer").asText());
            labelled.add(label.put("label", labelled.isEmpty()).toString());
        }
        Path rows = Files.write(folder.resolve("rows.jsonl"), labelled);
        List<String> words =
                List.of(
                        "model_name_or_path=" + MODEL,
                        "max_steps=1",
                        "use_peft=true",
                        "lora_target_modules=all-linear",
                        "peft_kwargs={exclude_modules: '.*(vision_model|connector).*'}");
        Path adapter = trained("kto", rows, "kto", words);
        String names = header(adapter.resolve("adapter_model.safetensors"));
        assertTrue(names.contains("text_model.layers.0.self_attn.q_proj.lora_A"), names);
        assertFalse(names.contains("vision_model") || names.contains("connector"), names);
        JsonNode config = Json.tree(Files.readString(adapter.resolve("adapter_config.json")));
        assertEquals(".*(vision_model|connector).*", config.path("exclude_modules").asText());
        String page = Files.readString(adapter.resolve("README.md"));
        assertTrue(page.contains("AutoModelForImageTextToText.from_pretrained("), page);
        assertTrue(page.contains("processor = AutoProcessor.from_pretrained("), page);
    }

    /// The names and shapes of a file of tensors.
    private static String header(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        int length = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
        return new String(bytes, Long.BYTES, length, StandardCharsets.UTF_8);
    }

    private static List<String> pairs(List<String> rows) throws IOException {
        List<String> pairs = new ArrayList<>();
        for (String row : rows) {
            var pair = (ObjectNode) Json.tree(row);
            say(pair, "chosen", pair.remove("answer").asText());
            say(pair, "rejected", "0 0 0 0");
            pairs.add(pair.toString());
        }
        return pairs;
    }

    private static void say(ObjectNode row, String key, String text) {
        row.putArray(key).addObject().put("role", "assistant").put("content", text);
    }

    @Test
    void whatCantBeShownIsSaid() {
        assertEquals(2, run("generate", "--image", "none.png", "Which?"));
        assertTrue(err.toString().contains("there is no picture"), err.toString());
    }
}
