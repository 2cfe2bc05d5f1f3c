package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpServer;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.cli.Main;
import org.attune.examples.quickstart.TinyModel;
import org.attune.reward.task.Split;
import org.attune.reward.task.TaskRows;
import org.attune.reward.task.Tasks;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// Teachers on the student's own weights, and teachers that can't teach.
final class DistillationRunTest {
    private static final Path OTHER =
            ModuleClasses.REPOSITORY
                    .resolve("trainers/src/test/resources/recorded/gold/teacher-model")
                    .toAbsolutePath();

    @TempDir static Path folder;
    private static Path model;
    private static Path copy;

    @BeforeAll
    static void writeModels() throws IOException {
        model = Files.createDirectories(folder.resolve("model"));
        new TinyModel(32, 2, 2).write(model, RandomSource.XO_SHI_RO_256_PP.create(1L));
        copy = Files.createDirectories(folder.resolve("copy"));
        try (Stream<Path> files = Files.list(model)) {
            for (Path file : files.toList()) {
                Files.copy(file, copy.resolve(file.getFileName()));
            }
        }
        TaskRows.writeCompletions(
                folder.resolve("rows.jsonl"),
                Tasks.of("reversal", "easy").generate(1, 32, Split.TRAIN),
                0.5,
                RandomSource.XO_SHI_RO_256_PP.create(2L));
        assertEquals(0, run("sft", "teacher", "learning_rate=2e-2"));
    }

    private static int run(String method, String out, String... more) {
        List<String> arguments =
                new ArrayList<>(
                        List.of(
                                method,
                                "model_name_or_path=" + model,
                                "datasets=" + folder.resolve("rows.jsonl"),
                                "output_dir=" + folder.resolve(out),
                                "use_peft=true",
                                "lora_dropout=0",
                                "dtype=float32",
                                "max_steps=3",
                                "logging_steps=1"));
        arguments.addAll(List.of(more));
        return Main.run(arguments.toArray(String[]::new));
    }

    private static List<JsonNode> gkd(String out, String... more) throws IOException {
        List<String> keys =
                new ArrayList<>(List.of("max_new_tokens=4", "seq_kd=true", "learning_rate=1e-3"));
        keys.addAll(List.of(more));
        assertEquals(0, run("gkd", out, keys.toArray(String[]::new)));
        return steps(out);
    }

    private static List<JsonNode> steps(String out) throws IOException {
        List<JsonNode> steps = new ArrayList<>();
        for (String line : Files.readAllLines(folder.resolve(out).resolve("metrics.jsonl"))) {
            JsonNode step = new ObjectMapper().readTree(line);
            if (step.has("grad_norm")) {
                steps.add(step);
            }
        }
        return steps;
    }

    /// On the student's weights, named in both ways, and on a copy of them in memory.
    @Tag("thorough")
    @Test
    void anAdapterTeachesOnTheStudentsWeightsAsOnItsOwn() throws IOException {
        Path adapter = folder.resolve("teacher");
        List<JsonNode> shared = gkd("shared", "teacher_adapter_name_or_path=" + adapter);
        List<JsonNode> named = gkd("named", "teacher_model_name_or_path=" + adapter);
        List<JsonNode> separate =
                gkd(
                        "separate",
                        "teacher_model_name_or_path=" + copy,
                        "teacher_adapter_name_or_path=" + adapter);
        assertEquals(3, shared.size());
        assertTrue(shared.getFirst().get("loss").asDouble() > 1e-4, "the teacher differs");
        for (int i = 0; i < shared.size(); i++) {
            for (String key : List.of("loss", "grad_norm")) {
                double expected = shared.get(i).get(key).asDouble();
                assertEquals(expected, named.get(i).get(key).asDouble(), 0, key);
                assertEquals(expected, separate.get(i).get(key).asDouble(), 1e-4, key);
            }
        }
    }

    /// An adapter on the student's weights teaches the rows of one domain, a separate model those
    /// of the other; resumed, the run writes the bytes of an uninterrupted one.
    @Tag("thorough")
    @Test
    void rowsAreTaughtByTheTeacherOfTheirDomain() throws IOException {
        List<String> rows = Files.readAllLines(folder.resolve("rows.jsonl"));
        List<String> placed = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            String way = i % 2 == 0 ? "near" : "far";
            placed.add(rows.get(i).replaceFirst("\\{", "{\"way\": \"" + way + "\", "));
        }
        Path both = folder.resolve("both.jsonl");
        Files.write(both, placed);
        String teachers = "{near: %s, far: %s}".formatted(folder.resolve("teacher"), copy);
        String[] keys = {
            "datasets=" + both,
            "teacher_models=" + teachers,
            "teacher_column=way",
            "teacher_weights={far: 0.5}",
            "seq_kd=false",
            "save_steps=1"
        };
        List<JsonNode> whole = gkd("domains", keys);
        JsonNode first = whole.getFirst();
        double near = first.get("teacher_token_frac/near").asDouble();
        assertEquals(1, near + first.get("teacher_token_frac/far").asDouble(), 1e-9);
        assertTrue(first.get("teacher_jsd/near").asDouble() > 1e-4, "the teacher differs");
        assertEquals(0, first.get("teacher_jsd/far").asDouble(), 1e-6, "the student's own copy");
        gkd("domain-parts", with(keys, "max_steps=1"));
        gkd("domain-parts", with(keys, "resume=true"));
        String adapter = "adapter_model.safetensors";
        assertArrayEquals(
                Files.readAllBytes(folder.resolve("domains").resolve(adapter)),
                Files.readAllBytes(folder.resolve("domain-parts").resolve(adapter)));
        placed.set(4, rows.get(4));
        Files.write(both, placed);
        for (String method : List.of("gkd", "distillation")) {
            var told = new StringWriter();
            var err = new PrintWriter(told);
            int code =
                    Main.commandLine(err, err)
                            .execute(
                                    method,
                                    "model_name_or_path=" + model,
                                    "datasets=" + both,
                                    "output_dir=" + folder.resolve("astray"),
                                    "teacher_models=" + teachers,
                                    "teacher_column=way",
                                    "max_steps=1");
            assertTrue(code != 0, method);
            String message = told.toString();
            assertTrue(message.contains("both.jsonl:5: way is missing"), message);
            assertTrue(message.contains("far, near"), message);
        }
        assertEquals(2, run("gkd", "mixed", with(keys, "seq_kd=true")));
        assertEquals(2, run("gkd", "mixed", with(keys, "teacher_weights={up: 1}")));
        assertEquals(2, run("gkd", "mixed", with(keys, "teacher_model_name_or_path=" + copy)));
        assertEquals(2, run("gkd", "mixed", with(keys, "use_uld_loss=true")));
    }

    /// A teacher whose tokenizer joins bytes: rows computed one by one have the numbers of rows
    /// computed together, and a resumed run writes the bytes of an uninterrupted one.
    @Tag("thorough")
    @Test
    void aTeacherWithAnotherTokenizerTeaches() throws IOException {
        String[] across = {
            "teacher_model_name_or_path=" + OTHER,
            "use_uld_loss=true",
            "uld_use_hybrid_loss=true",
            "uld_crossentropy_weight=0.1",
            "seq_kd=false",
            "save_steps=1",
            "eval_datasets=" + folder.resolve("rows.jsonl"),
            "eval_steps=3"
        };
        List<JsonNode> whole = gkd("across", across);
        assertTrue(whole.getFirst().get("loss").asDouble() > 1e-2, "the teacher differs");
        List<JsonNode> each = gkd("each", with(across, "tokens_per_micro_batch=1"));
        for (int i = 0; i < whole.size(); i++) {
            for (String key : List.of("loss", "grad_norm")) {
                double expected = whole.get(i).get(key).asDouble();
                assertEquals(expected, each.get(i).get(key).asDouble(), 1e-4 * expected, key);
            }
        }
        gkd("parts", with(across, "max_steps=1"));
        List<JsonNode> parts = gkd("parts", with(across, "resume=true"));
        assertEquals(3, parts.size());
        for (int i = 0; i < 3; i++) {
            for (String key : List.of("loss", "grad_norm")) {
                assertEquals(whole.get(i).get(key), parts.get(i).get(key), key);
            }
        }
        String adapter = "adapter_model.safetensors";
        assertArrayEquals(
                Files.readAllBytes(folder.resolve("across").resolve(adapter)),
                Files.readAllBytes(folder.resolve("parts").resolve(adapter)));
    }

    private static String[] with(String[] keys, String more) {
        List<String> all = new ArrayList<>(List.of(keys));
        all.add(more);
        return all.toArray(String[]::new);
    }

    /// With the student's tokenizer, every token is a span, and the hybrid divergence of all tokens
    /// is GKD's.
    @Tag("thorough")
    @Test
    void aTeacherWithTheStudentsTokenizerTeachesAsInGkd() throws IOException {
        String[] same = {
            "teacher_adapter_name_or_path=" + folder.resolve("teacher"),
            "seq_kd=false",
            "lmbda=0",
            "per_device_train_batch_size=1",
            "max_length=null"
        };
        List<JsonNode> tokens = gkd("tokens", same);
        List<String> all = new ArrayList<>(List.of(same));
        all.addAll(
                List.of(
                        "use_uld_loss=true",
                        "uld_use_hybrid_loss=true",
                        "uld_token_merge_strategy=bayesian",
                        "uld_skip_student_eos=false",
                        "uld_skip_teacher_eos=false"));
        List<JsonNode> spans = gkd("spans", all.toArray(String[]::new));
        for (int i = 0; i < tokens.size(); i++) {
            for (String key : List.of("loss", "grad_norm")) {
                double expected = tokens.get(i).get(key).asDouble();
                assertEquals(expected, spans.get(i).get(key).asDouble(), 2e-3 * expected, key);
            }
        }
    }

    /// With all tokens of the vocabulary stored, the stored teacher says what the live one says.
    @Tag("thorough")
    @Test
    void whatATeacherSaidIsLearnedFromWithoutIt() throws IOException {
        Path rows = folder.resolve("told.jsonl");
        assertEquals(
                0,
                Main.run(
                        "sample",
                        "model_name_or_path=" + model,
                        "adapter_name_or_path=" + folder.resolve("teacher"),
                        "datasets=" + folder.resolve("rows.jsonl"),
                        "output_file=" + rows,
                        "num_generations=1",
                        "temperature=0",
                        "max_completion_length=5",
                        "drop_truncated=false",
                        "top_logprobs=260",
                        "dtype=float32"));
        List<JsonNode> live =
                gkd( // it writes its likeliest answers itself
                        "live",
                        "lmbda=0",
                        "temperature=0.0001",
                        "max_new_tokens=5",
                        "teacher_adapter_name_or_path=" + folder.resolve("teacher"));
        String[] stored = {
            "datasets=" + rows, "lmbda=0", "seq_kd=false", "teacher_logprobs_from_rows=true"
        };
        List<JsonNode> told = gkd("told", stored);
        assertTrue(live.getFirst().get("loss").asDouble() > 1e-4, "the teacher differs");
        for (int i = 0; i < live.size(); i++) {
            for (String key : List.of("loss", "grad_norm", "num_tokens")) {
                double expected = live.get(i).get(key).asDouble();
                assertEquals(expected, told.get(i).get(key).asDouble(), 2e-3 * expected, key);
            }
        }
        List<String> lines = Files.readAllLines(rows);
        Files.writeString(
                rows, lines.getFirst().replaceFirst("ids\":\\[[0-9]+", "ids\":[7") + "\n");
        assertTrue(0 != run("gkd", "other", stored), "other tokens than the text has");
    }

    @Test
    void aTeacherOfAnotherVocabularyIsRefused() throws IOException {
        Path other = Files.createDirectories(folder.resolve("other"));
        try (Stream<Path> files = Files.list(model)) {
            for (Path file : files.toList()) {
                Files.copy(file, other.resolve(file.getFileName()));
            }
        }
        Path tokenizer = other.resolve("tokenizer.json");
        JsonNode changed = new ObjectMapper().readTree(tokenizer.toFile());
        ((ObjectNode) changed.at("/model/vocab")).put("\u0100", 1).put("\u0101", 0); // exchanged
        Files.writeString(tokenizer, changed.toString());
        assertTrue(0 != run("gkd", "refused", "teacher_model_name_or_path=" + other));
        assertTrue(Files.notExists(folder.resolve("refused/metrics.jsonl")));
    }

    /// A server that thinks that two tokens are likely everywhere.
    private static HttpServer server() throws IOException {
        var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        HttpServer server = HttpServer.create(address, 0);
        server.createContext(
                "/v1/completions",
                exchange -> {
                    JsonNode asked = new ObjectMapper().readTree(exchange.getRequestBody());
                    String place = ", {\"5\": {\"logprob\": -0.7}, \"6\": {\"logprob\": -1.2}}";
                    String answer =
                            "{\"choices\": [{\"prompt_logprobs\": [null%s]}]}"
                                    .formatted(place.repeat(asked.path("prompt").size() - 1));
                    byte[] body = answer.getBytes(StandardCharsets.UTF_8);
                    exchange.sendResponseHeaders(200, body.length);
                    exchange.getResponseBody().write(body);
                    exchange.close();
                });
        server.start();
        return server;
    }

    @Tag("thorough")
    @Test
    void aServerTeachesByItsLikeliestTokens() throws IOException {
        HttpServer server = server();
        try {
            String url = "http://localhost:" + server.getAddress().getPort();
            List<JsonNode> steps =
                    gkd(
                            "server",
                            "seq_kd=false",
                            "teacher_model_server_url=" + url,
                            "teacher_server_model=large",
                            "loss_top_k=2",
                            "compared_tokens=likeliest",
                            "learning_rate=5e-2",
                            "lr_scheduler_type=constant",
                            "max_steps=6");
            double first = steps.getFirst().get("loss").asDouble();
            double last = steps.getLast().get("loss").asDouble();
            assertTrue(first > 0 && last < first, first + " then " + last);
        } finally {
            server.stop(0);
        }
    }

    /// A server process with the teacher, which `attune serve` lists under its own name.
    private static Process serving(Path out) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
        command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-Xmx512m"));
        command.addAll(List.of("--add-modules", "jdk.incubator.vector"));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
        command.addAll(List.of("serve", folder.resolve("teacher").toString(), "--port", "0"));
        command.addAll(List.of("--dtype", "float32"));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(out.toFile())
                .start();
    }

    private static String url(Process server, Path out) throws IOException, InterruptedException {
        String start = "listening at ";
        for (int i = 0; i < 600 && server.isAlive(); i++) {
            Optional<String> line =
                    Files.readAllLines(out).stream().filter(l -> l.startsWith(start)).findFirst();
            if (line.isPresent()) {
                return line.get().substring(start.length()).replaceFirst("/v1/*$", "");
            }
            Thread.sleep(100);
        }
        throw new AssertionError(Files.readString(out));
    }

    private static List<JsonNode> written(String out, Path rows, String... teacher)
            throws IOException {
        List<String> keys =
                new ArrayList<>(
                        List.of(
                                "datasets=" + rows,
                                "distillation_objective=iw_opd",
                                "max_completion_length=6",
                                "per_device_train_batch_size=8",
                                "teacher_column=way"));
        keys.addAll(List.of(teacher));
        assertEquals(0, run("distillation", out, keys.toArray(String[]::new)));
        return steps(out);
    }

    /// What was written is compared, so a server tells all that a model here does.
    @Tag("thorough")
    @Test
    void teachersOnServersTeachAsThoseHere() throws IOException, InterruptedException {
        List<String> placed = new ArrayList<>();
        for (String row : Files.readAllLines(folder.resolve("rows.jsonl"))) {
            String way = placed.size() % 2 == 0 ? "near" : "far";
            placed.add(row.replaceFirst("\\{", "{\"way\": \"" + way + "\", "));
        }
        Path rows = Files.write(folder.resolve("served.jsonl"), placed);
        Path teacher = folder.resolve("teacher");
        Path out = folder.resolve("server.log");
        Process server = serving(out);
        try {
            String url = url(server, out);
            String models = "teacher_models={near: %s, far: %s}".formatted(teacher, teacher);
            List<JsonNode> here = written("iw-here", rows, models);
            String urls = "teacher_server_urls={near: '%s', far: '%s/v1'}".formatted(url, url);
            List<JsonNode> there = written("iw-there", rows, urls);
            assertTrue(here.getFirst().get("iw_opd/mean_abs_advantage").asDouble() > 1e-4);
            for (int i = 0; i < here.size(); i++) {
                for (String key : List.of("loss", "grad_norm", "teacher_jsd/near", "num_tokens")) {
                    double expected = here.get(i).get(key).asDouble();
                    double near = 1e-5 + 1e-3 * Math.abs(expected);
                    assertEquals(expected, there.get(i).get(key).asDouble(), near, key);
                }
            }
            List<JsonNode> sparse =
                    gkd(
                            "sparse",
                            "seq_kd=false",
                            "lmbda=0",
                            "beta=0",
                            "teacher_server_urls={all: '%s'}".formatted(url),
                            "teacher_top_k=3",
                            "add_tail_bucket=false");
            assertTrue(sparse.getFirst().get("loss").asDouble() > 1e-4);
        } finally {
            server.destroy();
            server.waitFor();
        }
    }

    @Test
    void aRunWithoutTeacherOrWithTwoIsRefused() {
        assertEquals(2, run("gkd", "none"));
        String url = "teacher_model_server_url=http://localhost:1/v1";
        String urls = "teacher_server_urls={near: http://localhost:1, far: http://localhost:2}";
        assertEquals(2, run("gkd", "both", urls, "teacher_models={near: x, far: y}"));
        assertEquals(2, run("gkd", "both", urls, url));
        assertEquals(2, run("gkd", "alone", url, "beta=1", "loss_add_tail=false"));
        assertEquals(2, run("gkd", "here", "teacher_model_name_or_path=x", "loss_add_tail=false"));
        String[] two = {url, "teacher_server_model=x", "teacher_model_name_or_path=" + copy};
        assertEquals(2, run("gkd", "two", two));
        String[] written = {url, "teacher_server_model=x", "seq_kd=true"};
        assertEquals(2, run("gkd", "written", written));
    }
}
