// Package hub fetches models from a Hugging Face hub, and finds those that were
// fetched before. The cache is the one that Python's huggingface_hub keeps, in
// both directions:
//
//	{cache}/models--{org}--{name}/
//	    refs/{revision}              the commit that a branch or tag meant last
//	    blobs/{hash}                 contents; {hash}.incomplete while they come
//	    snapshots/{commit}/{file}    relative links into blobs
//	{cache}/.locks/models--{org}--{name}/{hash}.lock
//
// A file gets its name when its size and hash are those that the hub stated, and
// not before: SHA-256 for large files, the git blob's SHA-1 for small ones. What
// came of a file that was interrupted stays and is gone on with.
//
// The hub and whoever it redirects to are not trusted: names are checked before
// they become paths, answers are bounded, a token is sent to the hub's own origin
// only, and every wait ends.
package hub
