package org.attune.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.files.HubCache;
import org.attune.images.Picture;
import org.attune.json.Json;
import org.attune.model.config.ScoreKind;
import org.attune.models.Chat;
import org.attune.models.DtypeChoice;
import org.attune.models.GenerationOptions;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.attune.models.ScorerPurpose;
import org.attune.text.ChatTemplate;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import javax.imageio.ImageIO;

/// Requests with pictures to the embedded model that sees.
class PicturesServedTest {
    private static final Path EXAMPLES = AskedServer.MODEL.resolveSibling("look").getParent();
    private static final String CHAT = "/v1/chat/completions";
    private static final String QUESTION = "Which digits?";
    private static AskedServer server;
    private static List<String> pictures;

    @BeforeAll
    static void open() throws IOException {
        server = new AskedServer(config -> config.withModel(model()).withName("look"));
        pictures = new ArrayList<>();
        for (String line : Files.readAllLines(EXAMPLES.resolve("quickstart/look-heldout.jsonl"))) {
            pictures.add(AskedServer.tree(line).path("image").asText());
        }
    }

    @AfterAll
    static void close() {
        server.close();
    }

    private static ModelConfig model() {
        return ModelConfig.of(EXAMPLES.resolve("look").toString()).withDtype(DtypeChoice.FLOAT32);
    }

    private static byte[] bytes(String address) {
        return Base64.getDecoder().decode(address.substring(address.indexOf(',') + 1));
    }

    private static Map<String, Object> body(Object content, Map<String, Object> further) {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("messages", List.of(Map.of("role", "user", "content", content)));
        body.put("max_tokens", 12);
        body.put("temperature", 0);
        body.putAll(further);
        return body;
    }

    private static List<Object> parts(String address) {
        return List.of(
                Map.of("type", "image_url", "image_url", Map.of("url", address)),
                Map.of("type", "text", "text", QUESTION));
    }

    private static String chat(String address, Map<String, Object> further) {
        return server.ask(CHAT, Json.compact(body(parts(address), further)))
                .at("/choices/0/message/content")
                .asText();
    }

    private static String own(String address) {
        var options = GenerationOptions.defaults().withMaxNewTokens(12).withTemperature(0);
        try (var chat = Chat.open(model(), options)) {
            return chat.show(List.of(Picture.passing(bytes(address))), QUESTION);
        }
    }

    @Test
    void anAnswerIsThatOfAChatWithThePicture() {
        String own = own(pictures.getFirst());
        assertTrue(own.matches("\\d \\d \\d \\d"), own);
        assertEquals(own, chat(pictures.getFirst(), Map.of()));
        List<String> answers = pictures.subList(0, 6).stream().map(p -> chat(p, Map.of())).toList();
        assertTrue(answers.stream().distinct().count() > 3, answers.toString());
    }

    @Test
    void allThreeFormsShowThePicture() {
        String address = pictures.get(2);
        String own = chat(address, Map.of());
        for (String data : List.of(address.substring(address.indexOf(',') + 1), address)) {
            Map<String, Object> source =
                    Map.of("type", "base64", "media_type", "image/png", "data", data);
            List<Object> blocks =
                    List.of(
                            Map.of("type", "image", "source", source),
                            Map.of("type", "text", "text", QUESTION));
            JsonNode message = server.ask("/v1/messages", Json.compact(body(blocks, Map.of())));
            assertEquals(own, message.at("/content/0/text").asText());
        }
        List<Object> items =
                List.of(
                        Map.of("type", "input_image", "image_url", address, "detail", "auto"),
                        Map.of("type", "input_text", "text", QUESTION));
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("input", List.of(Map.of("role", "user", "content", items)));
        body.put("max_output_tokens", 12);
        body.put("temperature", 0);
        JsonNode response = server.ask("/v1/responses", Json.compact(body));
        assertEquals(own, response.at("/output/0/content/0/text").asText());
    }

    /// Noise of 3 million pixels: 12 MiB as a request.
    @Test
    void aPictureOfManyMegabytesIsTaken() throws IOException {
        var noise = new BufferedImage(2000, 1500, BufferedImage.TYPE_INT_RGB);
        var random = new Random(5);
        for (int i = 0; i < 2000 * 1500; i++) {
            noise.setRGB(i % 2000, i / 2000, random.nextInt(1 << 24));
        }
        var png = new ByteArrayOutputStream();
        ImageIO.write(noise, "png", png);
        String address =
                "data:image/png;base64," + Base64.getEncoder().encodeToString(png.toByteArray());
        assertTrue(address.length() > 11 << 20, "characters: " + address.length());
        assertEquals(own(address), chat(address, Map.of()));
        String larger = Json.compact(body("x".repeat(LargeBodies.MOST_BYTES), Map.of()));
        assertEquals(413, server.post(CHAT, larger).statusCode());
    }

    /// With a seed and a temperature, alone and beside seven others with other pictures.
    @Test
    void companyChangesNoAnswer() throws Exception {
        Map<String, Object> drawn = Map.of("temperature", 1, "seed", 7);
        List<String> alone = new ArrayList<>();
        for (String picture : pictures.subList(0, 8)) {
            alone.add(chat(picture, drawn));
        }
        try (ExecutorService many = Executors.newFixedThreadPool(8)) {
            List<Callable<String>> asked = new ArrayList<>();
            pictures.subList(0, 8).forEach(picture -> asked.add(() -> chat(picture, drawn)));
            List<String> together = new ArrayList<>();
            for (Future<String> answer : many.invokeAll(asked)) {
                together.add(answer.get());
            }
            assertEquals(alone, together);
        }
    }

    /// Where a text alone stands the input's tokens say the same.
    @Test
    void aClassifierSeesThePicturesOfAConversation(@TempDir Path folder) {
        Path base = EXAMPLES.resolve("look");
        var purpose = new ScorerPurpose(ScoreKind.SEQUENCE, 3, "3 labels");
        RandomModels.scorer(folder.resolve("classes"), purpose, base);
        ModelConfig classes =
                ModelConfig.of(folder.resolve("classes").toString()).withDtype(DtypeChoice.FLOAT32);
        try (var judging = new AskedServer(c -> c.withModel(classes))) {
            String first = logits(judging, parts(pictures.get(0)));
            assertEquals(first, logits(judging, parts(pictures.get(0))));
            assertNotEquals(first, logits(judging, parts(pictures.get(1))));
            String text = rendered();
            JsonNode input =
                    judging.ask(
                            "/classify",
                            Json.compact(
                                    Map.of(
                                            "input",
                                            text,
                                            "add_special_tokens",
                                            false,
                                            "use_activation",
                                            false)));
            assertEquals(input.at("/data/0/probs").toString(), logits(judging, QUESTION));
            for (String more :
                    List.of(
                            "\"input\":\"a\"",
                            "\"truncate_prompt_tokens\":4",
                            "\"add_special_tokens\":false")) {
                String body = "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]," + more + "}";
                assertEquals(400, judging.post("/classify", body).statusCode(), more);
            }
            String prompts = "{\"input\":\"a\",\"add_generation_prompt\":true}";
            assertEquals(400, judging.post("/classify", prompts).statusCode());
        }
    }

    private static String logits(AskedServer judging, Object content) {
        return judging.ask(
                        "/classify",
                        Json.compact(
                                Map.of(
                                        "messages",
                                        List.of(Map.of("role", "user", "content", content)),
                                        "use_activation",
                                        false)))
                .at("/data/0/probs")
                .toString();
    }

    /// The question as the chat template shows it.
    private static String rendered() {
        try (var setup = ModelSetup.open(model(), new HubCache(EXAMPLES))) {
            return setup.text()
                    .chat()
                    .encode(
                            Conversation.of(List.of(Message.of("user", QUESTION))),
                            ChatTemplate.Tail.NOTHING)
                    .text();
        }
    }

    private static String refusal(Object... pictures) {
        List<Object> parts = new ArrayList<>(List.of(pictures));
        parts.add(Map.of("type", "text", "text", QUESTION));
        HttpResponse<String> response = server.post(CHAT, Json.compact(body(parts, Map.of())));
        assertEquals(400, response.statusCode(), response.body());
        return AskedServer.tree(response.body()).at("/error/message").asText();
    }

    private static String refused(String address) {
        return refusal(Map.of("type", "image_url", "image_url", Map.of("url", address)));
    }

    @Test
    void nothingButBytesOfTheRequestIsRead() throws IOException {
        Path file = Files.createTempFile("look", ".png");
        Files.write(file, bytes(pictures.getFirst()));
        for (String address :
                List.of(
                        file.toString(),
                        file.toUri().toString(),
                        "http://localhost:1/a.png",
                        "https://example.org/a.png")) {
            assertTrue(refused(address).contains("neither the web nor a disk"), refused(address));
        }
        Files.delete(file);
        assertTrue(refusal(Map.of("type", "input_image", "file_id", "file-1")).contains("file_id"));
        assertTrue(
                refusal(Map.of("type", "image", "source", Map.of("type", "file", "file_id", "x")))
                        .contains("source"));
        assertTrue(refused("data:image/png," + file).contains("lacks ;base64,"));
        assertTrue(refusal(Map.of("type", "input_audio")).contains("neither text nor a picture"));
    }

    @Test
    void brokenPicturesAreRefusedAndOthersGoOn() {
        byte[] whole = bytes(pictures.getFirst());
        for (byte[] broken :
                List.of(
                        new byte[0],
                        "no picture".getBytes(StandardCharsets.UTF_8),
                        Arrays.copyOf(whole, 90))) {
            String address = "data:image/png;base64," + Base64.getEncoder().encodeToString(broken);
            assertTrue(refused(address).contains("bytes"), refused(address));
        }
        String sign = refused("data:image/png;base64,&&&&");
        assertTrue(sign.contains("messages[0]: a picture is no Base64"), sign);
        String second =
                refusal(
                        parts(pictures.getFirst()).getFirst(),
                        Map.of("type", "image_url", "image_url", "data:image/png;base64,bm8="));
        assertTrue(second.startsWith("picture 2 of 2, a picture of 2 bytes: "), second);
        byte[] wide = whole.clone(); // 2 GB of pixels by its header, whose checksum is wrong then
        wide[16] = 0x7f;
        assertTrue(
                refused("data:image/png;base64," + Base64.getEncoder().encodeToString(wide))
                                .length()
                        < 400);
        List<Object> many = new ArrayList<>();
        for (int i = 0; i <= PictureCheck.MOST; i++) {
            many.add(parts(pictures.getFirst()).getFirst());
        }
        HttpResponse<String> response = server.post(CHAT, Json.compact(body(many, Map.of())));
        assertEquals(400, response.statusCode());
        assertTrue(response.body().contains("65 pictures"), response.body());
        assertEquals(own(pictures.getFirst()), chat(pictures.getFirst(), Map.of()));
    }

    /// Places of pictures are the image token, which the tokenizer knows.
    @Test
    void tokensOfAPictureHaveATokensId() {
        JsonNode answer =
                server.ask(
                        "/tokenize",
                        Json.compact(
                                Map.of(
                                        "messages",
                                        body(parts(pictures.getFirst()), Map.of()).get("messages"),
                                        "return_token_strs",
                                        true)));
        List<String> image = new ArrayList<>();
        for (int i = 0; i < answer.path("count").asInt(); i++) {
            if (answer.at("/token_strs/" + i).asText().equals("<image>")) {
                image.add(answer.at("/tokens/" + i).asText());
            }
        }
        assertEquals(4, image.size(), answer.toString());
        assertEquals(1, Set.copyOf(image).size(), answer.toString());
        assertTrue(Integer.parseInt(image.getFirst()) > 0, answer.toString());
    }

    /// The template of the model shows none of theirs.
    @Test
    void picturesThatTheTemplateLeavesOutAreTold() {
        Map<String, Object> tool =
                Map.of(
                        "role",
                        "tool",
                        "tool_call_id",
                        "a",
                        "content",
                        List.of(parts(pictures.getFirst()).getFirst()));
        Object asked = Map.of("messages", List.of(Map.of("role", "user", "content", "a"), tool));
        HttpResponse<String> response = server.post(CHAT, Json.compact(asked));
        assertEquals(400, response.statusCode(), response.body());
        assertTrue(response.body().contains("0 times <image> for 1 pictures"), response.body());
        assertTrue(response.body().contains("show them in a user's message"), response.body());
    }

    @Test
    void whatAUserWritesIsNoPicture() {
        JsonNode answer = server.ask(CHAT, Json.compact(body("<image> " + QUESTION, Map.of())));
        int tokens = answer.at("/usage/prompt_tokens").asInt();
        assertTrue(tokens > QUESTION.length() + "<image> ".length(), "tokens: " + tokens);
    }

    @Test
    void aModelThatSeesNothingSaysSo() {
        try (var blind = new AskedServer(config -> config.withName("blind"))) {
            HttpResponse<String> response =
                    blind.post(CHAT, Json.compact(body(parts(pictures.getFirst()), Map.of())));
            assertEquals(400, response.statusCode());
            assertTrue(response.body().contains("blind sees no pictures"), response.body());
        }
    }
}
