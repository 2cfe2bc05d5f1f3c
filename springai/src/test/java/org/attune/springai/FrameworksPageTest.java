package org.attune.springai;

import org.attune.serve.PagePrograms;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;

class FrameworksPageTest {
    @Test
    void thePagesProgramCompiles(@TempDir Path folder) throws Exception {
        PagePrograms.compile("org.attune.springai.", folder);
    }
}
