import org.attune.agents.tool.Arg;
import org.attune.agents.tool.ToolMethod;

/// A tool in a source file, compiled when the run starts.
public final class Add {
    @ToolMethod("Adds two whole numbers.")
    public int add(@Arg("the first") int a, @Arg("the second") int b) {
        return a + b;
    }
}
