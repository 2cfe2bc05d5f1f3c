/// Downloading from and uploading to the Hugging Face Hub, or a server that speaks as it does.
/// Read [org.attune.hub.HubDownload] first. What is downloaded stands in the cache that Hugging
/// Face's own programs use ([org.attune.files.HubCache]).
package org.attune.hub;
