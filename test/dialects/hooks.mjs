// dt-sql-parser is written for bundlers: it imports folders and leaves out the ends of files' names.
export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    const end = { ERR_UNSUPPORTED_DIR_IMPORT: "/index.js", ERR_MODULE_NOT_FOUND: ".js" }[error.code];
    if (!end || !specifier.startsWith(".")) throw error;
    return next(specifier + end, context);
  }
}
