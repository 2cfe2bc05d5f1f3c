package org.attune.cli.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.model.layer.Storage;
import org.attune.models.DtypeChoice;
import org.attune.models.ModelConfig;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.sft.SftMethod;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

class QuantisationKeysTest {
    private static final String FOUR = "load_in_4bit: true\n";

    @TempDir Path folder;

    private ModelConfig read(String lines) throws IOException {
        String needed = "model_name_or_path: model\ndatasets: train.jsonl\noutput_dir: out\n";
        Path file = Files.writeString(folder.resolve("run.yaml"), needed + lines);
        return new RunConfigReader()
                .read(new SftMethod(), SftConfig.defaults(), file, List.of())
                .config()
                .model();
    }

    private void assertRefused(String lines, String what) {
        String message = assertThrows(ConfigException.class, () -> read(lines)).getMessage();
        assertTrue(message.contains(what), message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "AUTO | load_in_4bit: false",
                "NF4 | load_in_4bit: true",
                "NF4_DOUBLE | load_in_4bit: true; use_bnb_nested_quant: true",
                "FP4 | load_in_4bit: true; bnb_4bit_quant_type: fp4",
                "FP4_DOUBLE | load_in_4bit: true; bnb_4bit_quant_type: fp4;"
                        + " bnb_4bit_use_double_quant: true",
                "INT8 | load_in_8bit: true",
                "KEEP | quantization: keep"
            })
    void keysOfBitsandbytesAreOneKeyHere(Storage storage, String keys) throws IOException {
        assertEquals(storage, read(keys.replace("; ", "\n") + "\n").quantization());
    }

    @Test
    void theNumberFormatOfProductsIsTheRuns() throws IOException {
        String lines = FOUR + "bnb_4bit_compute_dtype: float32\n";
        assertEquals(DtypeChoice.FLOAT32, read(lines).dtype());
    }

    @Test
    void whatContradictsItselfIsRefused() {
        assertRefused(FOUR + "load_in_8bit: true\n", "accepted: false with load_in_4bit: true");
        assertRefused(FOUR + "quantization: int8\n", "accepted: one of load_in_4bit");
        assertRefused(FOUR + "bnb_4bit_quant_type: int4\n", "accepted: nf4, fp4");
    }
}
