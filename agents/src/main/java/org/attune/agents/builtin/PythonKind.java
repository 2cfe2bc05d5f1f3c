package org.attune.agents.builtin;

import org.attune.agents.spec.ToolKind;
import org.attune.agents.tool.ToolSetFactory;
import org.attune.reward.builtin.Parameters;

import java.nio.file.Path;

/// `python`, see [CodeEntry].
public final class PythonKind implements ToolKind {
    @Override
    public String name() {
        return Language.PYTHON.key();
    }

    @Override
    public ToolSetFactory open(Parameters parameters, Path directory) {
        return CodeEntry.open(Language.PYTHON, parameters, directory);
    }
}
