// SPDX-License-Identifier: Apache-2.0
// Uploads one file with tus-js-client and prints {url, requests} as JSON. The job comes as JSON in the first argument.
const fs = require('fs')
const { PassThrough } = require('stream')
const tus = require('tus-js-client')

const job = JSON.parse(process.argv[2])
const requests = []
const options = {
    endpoint: job.endpoint,
    headers: { authorization: 'Bearer ' + job.token },
    metadata: { type: job.type, filename: '照片.jpg' },
    retryDelays: [100, 200, 400],
    removeFingerprintOnSuccess: true,
    onAfterResponse: (request, response) => requests.push([request.getMethod(), response.getStatus()]),
    onError: error => {
        console.error(String(error))
        process.exit(1)
    },
    onSuccess: () => console.log(JSON.stringify({ url: upload.url, requests })),
    ...job.options,
}
if (!options.uploadLengthDeferred && !options.parallelUploads)
    options.uploadSize = fs.statSync(job.file).size
// Through another stream: of a file's own stream the client declares more bytes for the last chunk than there are.
const input = job.stream ? fs.createReadStream(job.file).pipe(new PassThrough()) : fs.readFileSync(job.file)
const upload = new tus.Upload(input, options)
upload.start()
