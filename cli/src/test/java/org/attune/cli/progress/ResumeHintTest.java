package org.attune.cli.progress;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

import java.nio.file.Path;
import java.util.List;

class ResumeHintTest {
    private static String saved(String... arguments) {
        var hint = new ResumeHint(List.of(arguments));
        hint.onSave(3, Path.of("out/checkpoint-3"));
        return hint.text(false);
    }

    @Test
    void sameFileAndOverridesWithResume() {
        assertEquals(
                "to go on: attune sft my/run.yaml learning_rate=1e-4 resume=true",
                saved("sft", "my/run.yaml", "learning_rate=1e-4"));
        assertEquals(
                "to go on: attune dpo r.yaml beta=0.2 resume=true",
                saved("dpo", "r.yaml", "resume=false", "beta=0.2"));
        assertEquals(
                "to go on: attune dpo r.yaml --beta=0.2 --resume=true",
                saved(
                        "dpo",
                        "r.yaml",
                        "--resume_from_checkpoint=out/checkpoint-1",
                        "--beta=0.2",
                        "--resume",
                        "true"));
    }

    @Test
    void argumentsAreQuotedAsAShellReadsThem() {
        assertEquals(
                "to go on: attune sft 'my run.yaml' 'lora_target_modules=[q_proj, v_proj]'"
                        + " 'run_name=it'\\''s' resume=true",
                saved(
                        "sft",
                        "my run.yaml",
                        "lora_target_modules=[q_proj, v_proj]",
                        "run_name=it's"));
    }

    @Test
    void withoutACheckpointItSaysSo() {
        var hint = new ResumeHint(List.of("sft", "run.yaml"));
        assertEquals(
                "nothing was saved yet, so there is no checkpoint to go on from; to begin anew:"
                        + " attune sft run.yaml",
                hint.text(false));
        assertEquals(
                "nothing new was saved; to go on from the same checkpoint: attune sft run.yaml",
                hint.text(true),
                "stopped while it read its data");
        var resumed = new ResumeHint(List.of("sft", "run.yaml", "resume=out/checkpoint-4"));
        resumed.onResume(Path.of("out/checkpoint-4"));
        assertEquals(
                "nothing new was saved; to go on from the same checkpoint: attune sft run.yaml"
                        + " resume=out/checkpoint-4",
                resumed.text(false));
    }
}
