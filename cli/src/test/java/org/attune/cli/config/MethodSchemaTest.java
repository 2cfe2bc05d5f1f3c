package org.attune.cli.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import com.networknt.schema.ValidationMessage;

import org.attune.trainers.config.ResolvedConfig;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.run.Methods;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

class MethodSchemaTest {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());
    private static final Path EXAMPLES =
            Path.of(System.getProperty("attune.root", "..")).resolve("examples");

    private static JsonSchema schema(TrainingMethod<?, ?> method) {
        return JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V7)
                .getSchema(MethodSchema.of(method));
    }

    /// What is wrong with a file, by place.
    private static Set<String> wrong(String method, String yaml) throws IOException {
        return schema(Methods.named(method).orElseThrow()).validate(YAML.readTree(yaml)).stream()
                .map(ValidationMessage::toString)
                .collect(Collectors.toSet());
    }

    @Test
    void everyMethodsOwnDefaultsFit() throws IOException {
        for (TrainingMethod<?, ?> method : Methods.all()) {
            JsonNode defaults = YAML.readTree(ResolvedConfig.yaml(method.defaults()));
            assertEquals(Set.of(), schema(method).validate(defaults), method.name());
        }
    }

    @Test
    void filesOfTheExamplesFitAMethod() throws IOException {
        List<JsonSchema> schemas = Methods.all().stream().map(m -> schema(m)).toList();
        List<Path> files;
        try (Stream<Path> recipes = Files.list(EXAMPLES.resolve("recipes"));
                Stream<Path> quick = Files.list(EXAMPLES.resolve("quickstart"))) {
            files =
                    Stream.concat(recipes, quick)
                            .filter(f -> f.toString().endsWith(".yaml"))
                            .filter(f -> !f.endsWith("sample.yaml"))
                            .toList();
        }
        for (Path file : files) {
            JsonNode run = YAML.readTree(file.toFile());
            assertTrue(
                    schemas.stream().anyMatch(schema -> schema.validate(run).isEmpty()),
                    file + ": " + schemas.getFirst().validate(run));
        }
        assertTrue(files.size() > 20, files.size() + " files");
    }

    @Test
    void wrongKeysAndValuesAreMarked() throws IOException {
        for (String yaml :
                List.of(
                        "learning_rat: 1e-4",
                        "beta: -1",
                        "loss_type: [sigmoid, sigmoyd]",
                        "max_steps: 0",
                        "use_peft: 7",
                        "num_generations: 4",
                        "per_device_train_batch_size: 1.5",
                        "accelerate_config: multi_gpu")) {
            assertEquals(1, places("dpo", yaml).size(), yaml + ": " + places("dpo", yaml));
        }
    }

    private static Set<String> places(String method, String yaml) throws IOException {
        return schema(Methods.named(method).orElseThrow()).validate(YAML.readTree(yaml)).stream()
                .map(m -> m.getProperty() == null ? m.getInstanceLocation() : m.getProperty())
                .map(place -> place.toString().replaceFirst("\\[.*", ""))
                .collect(Collectors.toSet());
    }

    @Test
    void whatAttuneTakesIsTaken() throws IOException {
        for (String yaml :
                List.of(
                        "learning_rate: 1e-4",
                        "loss_type: ipo",
                        "max_steps: -1",
                        "beta:",
                        "env: {HF_HOME: /cache}",
                        "datasets: [a.jsonl, {path: b.jsonl, split: 'train[:10%]'}]",
                        "datasets: c.jsonl",
                        "lora_target_modules: all-linear",
                        "save_strategy: false",
                        "fsdp: ''",
                        "accelerate_config: single_gpu")) {
            assertEquals(Set.of(), wrong("dpo", yaml), yaml);
        }
    }

    @Test
    void keysSayWhatTheyMean() throws IOException {
        JsonNode schema = new ObjectMapper().readTree(MethodSchema.of(Methods.named("grpo").get()));
        JsonNode group = schema.path("properties").path("num_generations");
        assertTrue(group.path("description").asText().contains("a whole number"), group.toString());
        assertEquals(8, group.path("default").asInt());
        JsonNode ignored = schema.path("properties").path("attn_implementation");
        assertTrue(ignored.path("deprecated").asBoolean());
        assertFalse(schema.path("additionalProperties").asBoolean());
    }
}
