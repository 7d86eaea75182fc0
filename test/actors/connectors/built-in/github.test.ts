import { conform } from './conformance.ts'
import { github, githubAnonymous } from './github-api.ts'

conform(github)
conform(githubAnonymous)
