package org.attune.cli.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.models.DtypeChoice;
import org.attune.trainers.distillation.GkdConfig;
import org.attune.trainers.distillation.GkdMethod;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.sft.SftMethod;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

class ModelArgumentsTest {
    @TempDir Path folder;

    private LoadedRun<SftConfig> read(String line, String... overrides) throws IOException {
        String needed = "model_name_or_path: model\ndatasets: train.jsonl\noutput_dir: out\n";
        Path file = Files.writeString(folder.resolve("run.yaml"), needed + line + "\n");
        return new RunConfigReader()
                .read(new SftMethod(), SftConfig.defaults(), file, List.of(overrides));
    }

    private String refused(String line) {
        return assertThrows(ConfigException.class, () -> read(line)).getMessage();
    }

    @Test
    void entriesSetKeys() throws IOException {
        LoadedRun<SftConfig> run =
                read(
                        "model_init_kwargs: {torch_dtype: bfloat16, revision: v2,"
                                + " attn_implementation: sdpa, device_map: null}");
        assertEquals(DtypeChoice.BFLOAT16, run.config().model().dtype());
        assertEquals("v2", run.config().model().modelRevision());
        assertEquals(1, run.notes().size(), run.notes().toString());
        assertTrue(run.notes().getFirst().contains("model_init_kwargs.attn_implementation: sdpa"));

        SftConfig asked = read("", "model_init_kwargs={\"dtype\": \"bfloat16\"}").config();
        assertEquals(DtypeChoice.BFLOAT16, asked.model().dtype());
    }

    private GkdConfig gkd(String lines) throws IOException {
        String needed = "model_name_or_path: model\ndatasets: train.jsonl\noutput_dir: out\n";
        Path file = Files.writeString(folder.resolve("gkd.yaml"), needed + lines);
        return new RunConfigReader()
                .read(new GkdMethod(), new GkdMethod().defaults(), file, List.of())
                .config();
    }

    @Test
    void aTeachersEntriesSetItsKeys() throws IOException {
        GkdConfig config =
                gkd(
                        """
                        dtype: bfloat16
                        teacher_model_name_or_path: teacher
                        teacher_model_init_kwargs: {torch_dtype: bfloat16, revision: v2}
                        """);
        assertEquals("v2", config.teacher().teacherModelRevision().orElseThrow());
        String other =
                assertThrows(
                                ConfigException.class,
                                () -> gkd("teacher_model_init_kwargs: {dtype: bfloat16}\n"))
                        .getMessage();
        assertTrue(other.contains("accepted: the run's dtype (not set)"), other);
    }

    @Test
    void othersAreRefused() {
        String unknown = refused("model_init_kwargs: {load_in_4bit: true}");
        assertTrue(unknown.contains("load_in_4bit: true; accepted: dtype, revision"), unknown);
        String twice = refused("dtype: float32\nmodel_init_kwargs: {dtype: bfloat16}");
        assertTrue(twice.contains("one of model_init_kwargs and dtype"), twice);
        assertTrue(refused("model_init_kwargs: bfloat16").contains("names with values"));
    }
}
