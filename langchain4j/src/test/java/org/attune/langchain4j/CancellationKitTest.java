package org.attune.langchain4j;

import org.junit.jupiter.api.Tag;

/// LangChain4j's tests of streaming with that of a cancelled answer, which waits for half a minute.
@Tag("slow")
final class CancellationKitTest extends StreamingChatModelKitTest {
    @Override
    protected boolean supportsStreamingCancellation() {
        return true;
    }
}
