package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.trainers.sft.SftMethod;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;

class PreviewCommandTest {
    @TempDir private Path folder;
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int preview(String sweep) throws IOException {
        Path rows = MethodRows.write(new SftMethod(), folder);
        Path file =
                Files.writeString(
                        folder.resolve("run.yaml"),
                        "model_name_or_path: %s%ndatasets: %s%noutput_dir: out%nsweep: %s%n"
                                .formatted(MethodRows.MODEL, rows, sweep));
        String[] words = {"preview", "--method", "sft", file.toString(), "device=cpu"};
        return Main.commandLine(new PrintWriter(out), new PrintWriter(err), words).execute(words);
    }

    @Test
    void filesOfSweepsAreShownAndTheirBlockIsRead() throws IOException {
        assertEquals(0, preview("{trials: 3, keys: {lora_r: [4, 8]}}"), err::toString);
        assertTrue(out.toString().contains("attune sweep: 2 trials of lora_r"), out.toString());
        assertTrue(out.toString().contains("Sort ascending"), out.toString());
        assertTrue(out.toString().contains("── lengths of "), out.toString());
        assertTrue(out.toString().contains("a stop token is learnt from all"), out.toString());
        assertEquals(2, preview("{trails: 3, keys: {lora_r: [4, 8]}}"));
        assertTrue(err.toString().contains("did you mean trials"), err.toString());
    }
}
