/// Attune's models as LangChain4j's: [AttuneChatModel] and [AttuneStreamingChatModel] ask models
/// that [org.attune.serve.LocalModels] opened in this process.
package org.attune.langchain4j;
